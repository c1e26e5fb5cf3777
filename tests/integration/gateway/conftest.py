"""The real gateway on a real socket, in front of a fake of its services."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import JWT_SECRET

from gateway.http_protocol import StrictHttpProtocol
from gateway.main import create_app
from gateway.routing import PUBLISHED, Route
from gateway.settings import GatewaySettings

DEADLINE = 30.0
SILENCE_SECONDS = 15.0
CONNECTIONS_AT_ONCE = 100
ATTACK_SECONDS = 5.0


@dataclass
class RunningGateway:
    port: int
    client: httpx.AsyncClient

    async def raw(self, *pieces: bytes, end: bytes | None = None) -> bytes:
        """Send raw bytes; read until `end`, until the gateway closes the connection, or until a timeout."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = bytearray()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(SILENCE_SECONDS) as timeout:
                while (end is None or end not in received) and (chunk := await reader.read(65536)):
                    received += chunk
                    timeout.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
        except TimeoutError:
            pass
        finally:
            writer.close()
        return bytes(received)


class Attacker:
    """Opens any number of raw connections, and closes them all at the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, request: bytes, count: int = 1) -> list[asyncio.StreamReader]:
        """Send the request on each of these many new connections."""
        readers: list[asyncio.StreamReader] = []
        while count > 0:
            # More at once would overflow the listener's queue, and each lost SYN costs a second.
            batch, count = min(count, CONNECTIONS_AT_ONCE), count - CONNECTIONS_AT_ONCE
            readers += await asyncio.gather(*(self._open(request) for _ in range(batch)))
        return readers

    async def send(self, data: bytes) -> None:
        """Send the data on all connections that are still open."""
        for writer in self._writers:
            if not writer.is_closing():
                writer.write(data)

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _open(self, request: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        writer.write(request)
        return reader


async def statuses(readers: Sequence[asyncio.StreamReader]) -> Counter[int]:
    """How often each status was received, 0 for none in time."""
    return Counter(await asyncio.gather(*(_status(reader) for reader in readers)))


async def _status(reader: asyncio.StreamReader) -> int:
    try:
        async with asyncio.timeout(ATTACK_SECONDS):
            return int((await reader.readuntil(b"\r\n")).split()[1])
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return 0


StartGateway = Callable[..., Awaitable[RunningGateway]]


@asynccontextmanager
async def serve(
    app: ASGIApp, protocol: type[asyncio.Protocol] | str = "httptools", port: int = 0
) -> AsyncGenerator[int]:
    """Serve the app on its own port until the block ends."""
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
def upstream() -> FakeUpstream:
    return FakeUpstream()


@pytest.fixture
async def upstream_port(upstream: FakeUpstream) -> AsyncGenerator[int]:
    async with serve(upstream) as port:
        yield port


@pytest.fixture
async def start(upstream_port: int) -> AsyncGenerator[StartGateway]:
    """Start a gateway with these settings; upstreams that are not set are the fake."""
    async with AsyncExitStack() as stack:

        async def start_gateway(
            *, until_ready: bool = True, routes: tuple[Route, ...] = PUBLISHED, **settings: object
        ) -> RunningGateway:
            url = f"http://127.0.0.1:{upstream_port}"
            values = {
                "jwt_secret": JWT_SECRET,
                "auth_url": url,
                "billing_url": url,
                "ml_url": url,
                "farebox_rate_limits": "off",
                "trust_poll_seconds": 0.2,
                **settings,
            }
            app = create_app(GatewaySettings(**values), routes)
            port = await stack.enter_async_context(serve(app, StrictHttpProtocol))
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE)
            )
            if until_ready:
                await _until_ready(client)
            return RunningGateway(port, client)

        yield start_gateway


@pytest.fixture
async def gateway(start: StartGateway) -> RunningGateway:
    return await start()


async def _until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(DEADLINE):
        ready = False
        while not ready:
            ready = await is_ready(client)


async def is_ready(client: httpx.AsyncClient) -> bool:
    """Probe once; a gateway that refuses connections is not ready."""
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False
    finally:
        await asyncio.sleep(0.02)
