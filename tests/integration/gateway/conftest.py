"""The real gateway on a real socket, in front of a small stand-in for its siblings."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp
from tests.integration.gateway.upstream import Sibling
from tests.support.tokens import JWT_SECRET

from gateway.http_protocol import CarefulProtocol
from gateway.main import create_app
from gateway.routing import PUBLISHED, Route
from gateway.settings import GatewaySettings

DEADLINE = 30.0
SILENCE = 15.0


@dataclass
class Running:
    port: int
    client: httpx.AsyncClient

    async def raw(self, *pieces: bytes, end: bytes | None = None) -> bytes:
        """Send these bytes as they are and read until this end, or the gateway closes or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        heard = bytearray()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(SILENCE) as patience:
                while (end is None or end not in heard) and (chunk := await reader.read(65536)):
                    heard += chunk
                    patience.reschedule(asyncio.get_running_loop().time() + SILENCE)
        except TimeoutError:
            pass
        finally:
            writer.close()
        return bytes(heard)


Start = Callable[..., Awaitable[Running]]


@asynccontextmanager
async def listening(
    app: ASGIApp, protocol: type[asyncio.Protocol] | str = "httptools", port: int = 0
) -> AsyncGenerator[int]:
    """Serve the app on a port of its own until the block ends."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(DEADLINE):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()


@pytest.fixture
def sibling() -> Sibling:
    return Sibling()


@pytest.fixture
async def sibling_port(sibling: Sibling) -> AsyncGenerator[int]:
    async with listening(sibling) as port:
        yield port


@pytest.fixture
async def start(sibling_port: int) -> AsyncGenerator[Start]:
    """Starts a gateway with these settings; its siblings are all the stand-in unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def start_gateway(
            *, until_ready: bool = True, routes: tuple[Route, ...] = PUBLISHED, **settings: object
        ) -> Running:
            sibling = f"http://127.0.0.1:{sibling_port}"
            chosen = {
                "jwt_secret": JWT_SECRET,
                "auth_url": sibling,
                "billing_url": sibling,
                "ml_url": sibling,
                "farebox_rate_limits": "off",
                "trust_poll_seconds": 0.2,
                **settings,
            }
            app = create_app(GatewaySettings(**chosen), routes)
            port = await stack.enter_async_context(listening(app, CarefulProtocol))
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE)
            )
            if until_ready:
                await _until_ready(client)
            return Running(port, client)

        yield start_gateway


@pytest.fixture
async def gateway(start: Start) -> Running:
    return await start()


async def _until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(DEADLINE):
        ready = False
        while not ready:
            ready = await is_ready(client)


async def is_ready(client: httpx.AsyncClient) -> bool:
    """Ask once; a gateway that is not there yet is not ready either."""
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False
    finally:
        await asyncio.sleep(0.02)
