"""Errors when a service is down, slow, or breaks the connection."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import bearer

from gateway.forwarding.upstream import CONNECT_SECONDS
from gateway.routing import PUBLISHED
from local.ports import free_port

Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
PATH = "/trained/x"
# The gateway's limit of one second, with a margin for a busy machine.
FAILURE_SECONDS = 3


class RawService:
    """A service that writes raw bytes, so that it can break a response anywhere."""

    def __init__(self) -> None:
        self.requests = 0
        self.respond: Respond | None = None
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                assert self.respond is not None
                await self.respond(reader, writer, self.requests)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
async def service() -> AsyncGenerator[RawService]:
    raw = RawService()
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.port = server.sockets[0].getsockname()[1]
    yield raw
    server.close()


@pytest.fixture
async def gateway_to(service: RawService, start: StartGateway) -> RunningGateway:
    return await start(ml_url=f"http://127.0.0.1:{service.port}")


def complete_response(body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_refused_connection_is_upstream_down_within_seconds(start: StartGateway) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    before = time.monotonic()
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert time.monotonic() - before < FAILURE_SECONDS
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_down")
    assert int(refused.headers["retry-after"]) > 0


async def test_unreachable_host_is_503_within_seconds(start: StartGateway) -> None:
    gateway = await start(ml_url="http://192.0.2.1:9")
    before = time.monotonic()
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert time.monotonic() - before < FAILURE_SECONDS
    assert refused.status_code == 503
    assert CONNECT_SECONDS < 1


async def test_other_services_work_while_one_is_down(start: StartGateway) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    assert (await gateway.client.get("/v1/prices")).status_code == 200


async def test_silent_service_is_upstream_slow_after_the_routes_timeout(
    start: StartGateway, service: RawService
) -> None:
    async def be_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.read()

    service.respond = be_silent
    short_timeouts = tuple(replace(route, seconds=0.3) for route in PUBLISHED)
    gateway = await start(ml_url=f"http://127.0.0.1:{service.port}", routes=short_timeouts)
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_slow")


async def test_service_may_answer_until_after_its_deadline(start: StartGateway, service: RawService) -> None:
    async def answer_late(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.sleep(0.6)
        writer.write(b"HTTP/1.1 503 Late\r\nContent-Length: 0\r\nX-Own: 1\r\n\r\n")
        await writer.drain()

    service.respond = answer_late
    short_timeouts = tuple(replace(route, seconds=0.3) for route in PUBLISHED)
    gateway = await start(ml_url=f"http://127.0.0.1:{service.port}", routes=short_timeouts)
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert (refused.status_code, refused.headers["x-own"]) == (503, "1")


async def test_closed_connection_without_response_is_upstream_lost(
    gateway_to: RunningGateway, service: RawService
) -> None:
    async def disconnect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.close()

    service.respond = disconnect
    refused = await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_lost")
    assert service.requests == 1


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_response_that_is_not_http_is_upstream_lost(
    gateway_to: RunningGateway, service: RawService, garbage: bytes
) -> None:
    async def send_garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(garbage)
        await writer.drain()
        writer.close()

    service.respond = send_garbage
    refused = await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_lost")


async def test_truncated_small_response_is_upstream_lost(
    gateway_to: RunningGateway, service: RawService
) -> None:
    async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell")
        await writer.drain()
        writer.close()

    service.respond = break_off
    refused = await gateway_to.client.get(PATH, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_lost")


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhell",
    ],
    ids=["chunks", "a length"],
)
async def test_truncated_large_response_never_ends_cleanly(
    gateway_to: RunningGateway, service: RawService, begun: bytes
) -> None:
    async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(begun)
        await writer.drain()
        writer.close()

    service.respond = break_off
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway_to.client.get(PATH, headers=bearer(7))


async def test_closed_idle_connection_is_replaced(gateway_to: RunningGateway, service: RawService) -> None:
    async def respond_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(complete_response())
        await writer.drain()
        writer.close()

    service.respond = respond_once
    for _ in range(20):
        assert (await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))).status_code == 200


async def test_get_lost_on_a_reused_connection_is_retried(
    gateway_to: RunningGateway, service: RawService
) -> None:
    async def respond_first(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 2:
            writer.close()
        else:
            writer.write(complete_response())
            await writer.drain()

    service.respond = respond_first
    responses = [await gateway_to.client.get(PATH, headers=bearer(7)) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    assert service.requests == 3


async def test_post_lost_on_a_reused_connection_is_not_retried(
    gateway_to: RunningGateway, service: RawService
) -> None:
    async def respond_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readexactly(2)
        if number == 2:
            writer.close()
        else:
            writer.write(complete_response())
            await writer.drain()

    service.respond = respond_first
    responses = [await gateway_to.client.post("/predict/x", json={}, headers=bearer(7)) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 503]
    assert service.requests == 2


async def test_tokens_are_not_verified_before_revocations_are_loaded(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    upstream.responders["/internal/trust"] = fail
    gateway = await start(until_ready=False)
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert refused.status_code == 503
    assert (await gateway.client.get("/readyz")).status_code == 503
    assert (await gateway.client.get("/livez")).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health_probe_accepts_head(gateway: RunningGateway, path: str) -> None:
    response = await gateway.client.head(path)
    assert (response.status_code, response.content) == (200, b"")
