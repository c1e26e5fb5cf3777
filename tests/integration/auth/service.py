"""auth-service and a consumer of its events for tests, and helpers for frequent requests."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from auth_service.container import Container
from auth_service.main import create_app
from auth_service.settings import AuthSettings
from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings

ADMIN, ADMIN_PASSWORD = "admin@farebox.local", "the admin's password"
ADA, PASSWORD = "ada@example.org", "a long sentence"
UNUSED_URL = "http://127.0.0.1:9"

Json = dict[str, Any]  # Any: JSON of several shapes


@dataclass
class Consumer:
    """Receives events in place of billing-service and ml-service, and verifies their service tokens."""

    url: str
    received: dict[str, list[Json]] = field(default_factory=dict)

    def data_of(self, service: str, kind: str) -> list[Json]:
        return [event["data"] for event in self.received.get(service, []) if event["kind"] == kind]


@dataclass
class Service:
    app: FastAPI
    client: httpx.AsyncClient

    @property
    def container(self) -> Container:
        return self.app.state.container


def settings_of(database: Database, consumer: Consumer | None, **changed: object) -> AuthSettings:
    values: dict[str, object] = {
        "jwt_secret": JWT_SECRET,
        "bcrypt_cost": 4,
        "admin_email": ADMIN,
        "admin_password": ADMIN_PASSWORD,
        "billing_url": f"{consumer.url}/billing-service" if consumer else UNUSED_URL,
        "ml_url": f"{consumer.url}/ml-service" if consumer else UNUSED_URL,
        "trust_poll_seconds": 0.1,
    }
    return AuthSettings(**(values | database.settings("auth") | changed))  # pyright: ignore[reportArgumentType] - pydantic converts


@contextlib.asynccontextmanager
async def run_service(
    database: Database, consumer: Consumer | None, **changed: object
) -> AsyncGenerator[Service]:
    app = create_app(settings_of(database, consumer, **changed))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://auth") as client,
    ):
        yield Service(app, client)


@contextlib.asynccontextmanager
async def run_consumer() -> AsyncGenerator[Consumer]:
    listener = socket.create_server(("127.0.0.1", 0))
    consumer = Consumer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server = uvicorn.Server(
        uvicorn.Config(_consumer_app(consumer), lifespan="off", ws="none", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    yield consumer
    server.should_exit = True
    await serving


def _consumer_app(consumer: Consumer) -> FastAPI:
    app = FastAPI()
    settings = ServiceSettings(jwt_secret=JWT_SECRET)  # pyright: ignore[reportArgumentType] - pydantic converts

    @app.post("/{service}/internal/events")
    async def receive(service: str, request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        assert ServiceIdentity(settings, service).verify(token) == "auth-service"
        consumer.received.setdefault(service, []).extend(await request.json())
        return Response(status_code=204)

    return app


async def eventually(condition: Callable[[], object | Awaitable[object]], seconds: float = 5) -> None:
    """Wait until the condition is true; raises TimeoutError after the given seconds."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if await result if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.01)


async def register(client: httpx.AsyncClient, name: str = ADA, password: str = PASSWORD) -> int:
    response = await client.post("/v1/users", json={"name": name, "password": password})
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def try_to_log_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post("/v1/sessions", json={"name": name, "password": password})


async def log_in(client: httpx.AsyncClient, name: str = ADA, password: str = PASSWORD) -> Json:
    response = await try_to_log_in(client, name, password)
    assert response.status_code == 201, response.text
    return response.json()


def headers_of(session: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def bearer_of(client: httpx.AsyncClient, name: str = ADA, password: str = PASSWORD) -> dict[str, str]:
    return headers_of(await log_in(client, name, password))


async def admin_bearer(client: httpx.AsyncClient) -> dict[str, str]:
    return await bearer_of(client, ADMIN, ADMIN_PASSWORD)


def code_of(response: httpx.Response) -> str:
    return response.json()["code"]


async def at_once(*requests: Awaitable[httpx.Response]) -> list[int]:
    """The sorted statuses of concurrent requests."""
    return sorted(response.status_code for response in await asyncio.gather(*requests))
