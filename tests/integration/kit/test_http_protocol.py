"""HTTP protocol: one write for a small response, and back pressure for a stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from kit.http_protocol import JoiningHttpProtocol, JoiningTransport
from local.ports import free_port

IDLE_SECONDS = 1
CHUNK = b"x" * 32_768
CHUNKS = 4096


class Streamer:
    """An app with a small response, and a stream of 128 MiB that waits for nothing but its connection."""

    def __init__(self) -> None:
        self.sent_chunks = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/small":
            headers = [(b"content-length", b"5")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"small"})
            return
        headers = [(b"content-length", b"%d" % (len(CHUNK) * CHUNKS))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(CHUNKS):
            more = number < CHUNKS - 1
            await send({"type": "http.response.body", "body": CHUNK, "more_body": more})
            self.sent_chunks = number + 1


@pytest.fixture
def app() -> Streamer:
    return Streamer()


@pytest.fixture
async def port(app: Streamer) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app,
        port=free_port(),
        log_config=None,
        lifespan="off",
        loop="asyncio",
        http=JoiningHttpProtocol,
        timeout_keep_alive=IDLE_SECONDS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.01)
    yield config.port
    server.should_exit = True
    async with asyncio.timeout(20):
        await serving


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"small")


class Recorder(asyncio.Transport):
    """The connection's own transport."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def close(self) -> None:
        self.calls.append("close")


async def test_writes_of_one_turn_are_joined() -> None:
    recorder = Recorder()
    transport = JoiningTransport(recorder, asyncio.get_running_loop())
    transport.write(b"head")
    transport.write(b"body")
    assert recorder.calls == []
    await asyncio.sleep(0)
    transport.write(b"next")
    transport.close()
    await asyncio.sleep(0)
    assert recorder.calls == [b"headbody", b"next", "close"]


async def test_response_of_the_server_is_complete(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("/small"))
    assert (await reader.read()).endswith(b"\r\n\r\nsmall")
    writer.close()


async def test_stream_waits_for_a_slow_client(port: int, app: Streamer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(request("/stream"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    await asyncio.sleep(0.3)  # time enough for a stream without back pressure to end
    assert 0 < app.sent_chunks < CHUNKS // 2
    received = 0
    while chunk := await reader.read(1 << 20):
        received += len(chunk)
    writer.close()
    assert received == len(CHUNK) * CHUNKS


async def test_requests_of_a_connection_share_one_timer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await exchange(reader, writer)
    delays: list[float] = []
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    def record(delay: float, callback: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        delays.append(delay)
        return call_later(delay, callback, *arguments)

    monkeypatch.setattr(loop, "call_later", record)
    for _ in range(5):
        await exchange(reader, writer)
    monkeypatch.undo()
    assert delays.count(IDLE_SECONDS) == 0
    writer.close()


async def test_connection_is_closed_after_idle_time_since_its_last_response(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await exchange(reader, writer)
    await asyncio.sleep(IDLE_SECONDS * 0.6)
    await exchange(reader, writer)
    last = time.monotonic()
    assert await reader.read() == b""
    assert time.monotonic() - last > IDLE_SECONDS * 0.9
    writer.close()
