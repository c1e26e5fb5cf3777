"""Graceful shutdown while a client reads an event stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from tests.support.problems import assert_problem

from kit.app import GracefulServer, create_service, strict_router
from local.ports import free_port

# Longer than the slow answer takes.
GRACEFUL_SECONDS = 3
router = strict_router()


@router.get("/events")
async def follow() -> StreamingResponse:
    async def events() -> AsyncGenerator[str]:
        yield "data: first\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(events(), media_type="text/event-stream")


@router.get("/endless")
async def answer_never() -> None:
    await asyncio.Event().wait()


@router.get("/slow")
async def answer_slowly() -> str:
    await asyncio.sleep(0.5)
    return "whole"


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    yield


async def is_ready(_app: FastAPI) -> None:
    """Always ready."""


@pytest.fixture
async def server() -> AsyncIterator[GracefulServer]:
    app = create_service("probe", lifespan=lifespan, routers=[router], ready=is_ready)
    config = uvicorn.Config(
        app, port=free_port(), log_config=None, timeout_graceful_shutdown=GRACEFUL_SECONDS
    )
    graceful_server = GracefulServer(config, app.state.stopping)
    serving = asyncio.create_task(graceful_server.serve())
    for _ in range(1000):
        if graceful_server.started:
            break
        await asyncio.sleep(0.01)
    yield graceful_server
    graceful_server.should_exit = True
    async with asyncio.timeout(20):
        await serving


async def test_shutdown_closes_event_streams_and_finishes_other_responses(server: GracefulServer) -> None:
    url = f"http://127.0.0.1:{server.config.port}"
    async with (
        asyncio.timeout(20),
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        client.stream("GET", "/events") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: first"
        slow = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.1)
        server.should_exit = True
        assert [line async for line in lines] == [""]
        assert (await slow).json() == "whole"


async def test_request_that_outlasts_the_shutdown_is_answered(server: GracefulServer) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False, timeout=20) as client:
        url = f"http://127.0.0.1:{server.config.port}/endless"
        endless = asyncio.create_task(client.get(url))
        await asyncio.sleep(0.1)
        server.should_exit = True
        assert_problem(await endless, 503, "unavailable")
        assert (await endless).headers["Retry-After"] == "1"
