"""Bodies that arrive slowly, and bodies that are received before a connection to a service is taken."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import DEADLINE, RunningGateway, StartGateway
from tests.integration.gateway.test_streaming import FILE
from tests.integration.gateway.upstream import MEBIBYTE, FakeUpstream
from tests.support.tokens import bearer

from gateway.admission import body


@pytest.mark.parametrize("length", [10, FILE], ids=["small body", "large body"])
async def test_client_that_stops_sending_is_request_too_slow(start: StartGateway, length: int) -> None:
    gateway = await start(body_silence_seconds=0.3)
    token = bearer(7)["Authorization"]
    head = f"POST /create HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nAuthorization: {token}"
    received = await gateway.raw(head.encode() + b"\r\n\r\nab", end=b"}")
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_too_slow"' in received


@pytest.mark.parametrize(
    ("path", "length", "limits"),
    [
        ("/v1/quotes", 1000, {"body_silence_seconds": 0.4}),
        ("/v1/quotes", 1000, {"body_seconds": 0.5}),
        ("/v1/sessions", 1000, {"body_silence_seconds": 0.4}),
        ("/predict/x", 4 * MEBIBYTE, {"body_silence_seconds": 0.4}),
        ("/create", FILE, {"body_silence_seconds": 0.4}),
        ("/create", FILE, {"body_seconds": 0.5}),
    ],
)
async def test_body_that_trickles_in_is_request_too_slow(
    start: StartGateway, path: str, length: int, limits: dict[str, float]
) -> None:
    gateway = await start(**limits)
    token = bearer(7)["Authorization"]
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nAuthorization: {token}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + b"x" * min(100_000, length // 2))
    responding = asyncio.create_task(reader.readuntil(b"\r\n"))
    async with asyncio.timeout(DEADLINE):
        while not responding.done():
            await asyncio.sleep(0.05)
            writer.write(b"x")
    assert (await responding).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_steady_body_may_take_longer_than_the_longest_silence(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(body_silence_seconds=0.3, body_bytes_per_second=1024)

    async def steady() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1024
            await asyncio.sleep(0.1)

    response = await gateway.client.post("/predict/x", content=steady(), headers=bearer(7))
    assert response.status_code == 200
    assert upstream.requests[-1]["body"] == "x" * 10 * 1024


@pytest.mark.parametrize(
    ("path", "size"), [("/v1/quotes", 500_000), ("/predict/x", 500_000), ("/create", 60_000)]
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_body_is_received_before_a_connection_is_taken(
    gateway: RunningGateway, upstream: FakeUpstream, path: str, size: int, is_chunked: bool
) -> None:
    started = asyncio.Event()

    async def take(_scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await upstream.echo(_scope, receive, send)

    upstream.responders[path] = take

    async def in_two_halves() -> AsyncIterator[bytes]:
        yield b"x" * (size // 2)
        await asyncio.sleep(0.3)
        assert not started.is_set()
        yield b"x" * (size // 2)

    headers = bearer(7) if is_chunked else {**bearer(7), "Content-Length": str(size)}
    response = await gateway.client.post(path, content=in_two_halves(), headers=headers)
    assert response.status_code == 200
    assert upstream.requests[-1]["body"] == "x" * size
    assert ("content-length", str(size)) in upstream.requests[-1]["headers"]  # pyright: ignore


async def test_body_streams_when_all_buffers_are_full(
    gateway: RunningGateway, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(body.LONGEST_BUFFER, body.Body.JSON, body.SMALL_BODY)
    response = await gateway.client.post("/v1/quotes", content=b"x" * 500_000, headers=bearer(7))
    assert response.status_code == 200
    assert upstream.requests[-1]["body"] == "x" * 500_000
