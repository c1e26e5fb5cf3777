"""Streaming: bodies pass in both directions without being buffered."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import psutil
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import DEADLINE, RunningGateway, StartGateway, is_ready
from tests.integration.gateway.upstream import MEBIBYTE, FakeUpstream, respond
from tests.support.problems import assert_problem
from tests.support.tokens import JWT_SECRET, bearer

from gateway.admission import body
from local.ports import free_port

CHUNK = b"x" * 65536
FILE = 50 * MEBIBYTE
ALLOWED_GROWTH = 64 * MEBIBYTE


async def file_of(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(CHUNK)):
        yield CHUNK


async def count_slowly(upstream: FakeUpstream, receive: Receive, send: Send) -> None:
    """Read a body more slowly than it is sent, so that a buffering gateway would grow."""
    more, since_pause = True, 0
    while more:
        message = await receive()
        upstream.bytes_received += len(message.get("body", b""))
        since_pause += len(message.get("body", b""))
        if since_pause > MEBIBYTE:
            since_pause = 0
            await asyncio.sleep(0.02)
        more = message.get("more_body", False)
    await respond(send, {"bytes": upstream.bytes_received})


@pytest.fixture
async def process(upstream_port: int) -> AsyncGenerator[tuple[psutil.Process, httpx.AsyncClient]]:
    """A gateway in its own process, whose memory can be measured separately."""
    port, url = free_port(), f"http://127.0.0.1:{upstream_port}"
    settings = {"AUTH_URL": url, "BILLING_URL": url, "ML_URL": url, "JWT_SECRET": JWT_SECRET}
    environment = {**os.environ, **settings, "PORT": str(port), "LOG_LEVEL": "WARNING"}
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as client:
            async with asyncio.timeout(DEADLINE):
                ready = False
                while not ready:
                    ready = await is_ready(client)
            yield psutil.Process(child.pid), client
    finally:
        child.terminate()
        await asyncio.wait_for(child.wait(), DEADLINE)


class MemoryGrowth:
    """Growth of a process's resident memory while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self.growth = process, 0

    async def __aenter__(self) -> "MemoryGrowth":
        self._before = self._process.memory_info().rss
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_why: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self.growth = max(self.growth, self._process.memory_info().rss - self._before)
            await asyncio.sleep(0.01)


async def test_upload_of_50_mb_to_a_slow_service_is_not_buffered(
    process: tuple[psutil.Process, httpx.AsyncClient], upstream: FakeUpstream
) -> None:
    gateway, client = process
    upstream.responders["/create"] = lambda _scope, receive, send: count_slowly(upstream, receive, send)
    headers = {**bearer(7), "Content-Length": str(FILE)}
    async with MemoryGrowth(gateway) as memory:
        response = await client.post("/create", content=file_of(FILE), headers=headers)
    assert response.json() == {"bytes": FILE}
    assert memory.growth < ALLOWED_GROWTH


async def test_upload_of_unknown_length_is_not_buffered(
    process: tuple[psutil.Process, httpx.AsyncClient], upstream: FakeUpstream
) -> None:
    gateway, client = process
    upstream.responders["/create"] = lambda _scope, receive, send: count_slowly(upstream, receive, send)
    async with MemoryGrowth(gateway) as memory:
        response = await client.post("/create", content=file_of(FILE), headers=bearer(7))
    assert response.json() == {"bytes": FILE}
    assert memory.growth < ALLOWED_GROWTH


async def test_response_of_50_mb_to_a_slow_client_is_not_buffered(
    process: tuple[psutil.Process, httpx.AsyncClient], upstream: FakeUpstream
) -> None:
    async def send_file(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(FILE // len(CHUNK)):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway, client = process
    upstream.responders["/trained/x"] = send_file
    received = 0
    async with (
        MemoryGrowth(gateway) as memory,
        client.stream("GET", "/trained/x", headers=bearer(7)) as response,
    ):
        async for chunk in response.aiter_raw(MEBIBYTE):
            received += len(chunk)
            await asyncio.sleep(0.02)
    assert received == FILE
    assert memory.growth < ALLOWED_GROWTH


async def test_events_arrive_one_by_one(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    received = asyncio.Event()

    async def send_events(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(3):
            received.clear()
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            # The next event is sent after the client has received this one, so a buffer would block here.
            await asyncio.wait_for(received.wait(), 5)
        await send({"type": "http.response.body", "body": b""})

    upstream.responders["/v1/jobs/1/events"] = send_events
    events: list[bytes] = []
    async with gateway.client.stream("GET", "/v1/jobs/1/events", headers=bearer(7)) as response:
        async for chunk in response.aiter_raw():
            events.append(chunk)
            received.set()
    assert events == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


async def test_client_disconnect_cancels_the_upstream_request(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    started = asyncio.Event()

    async def work(_scope: Scope, receive: Receive, _send: Send) -> None:
        started.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        upstream.cancelled.set()

    upstream.responders["/create"] = work
    calling = asyncio.create_task(gateway.client.post("/create", content=b"{}", headers=bearer(7)))
    await started.wait()
    calling.cancel()
    await asyncio.wait_for(upstream.cancelled.wait(), 5)


async def test_upload_that_the_service_stops_reading_is_upstream_slow(
    gateway: RunningGateway, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "UNREAD_SECONDS", 0.5)
    stop = asyncio.Event()

    async def read_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await stop.wait()

    upstream.responders["/create"] = read_nothing
    headers = {**bearer(7), "Content-Length": str(FILE)}
    refused = await gateway.client.post("/create", content=file_of(FILE), headers=headers)
    assert_problem(refused, 503, "upstream_slow")
    stop.set()


async def test_client_disconnect_ends_an_event_stream(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    async def send_events(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 0\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        upstream.cancelled.set()

    upstream.responders["/v1/jobs/1/events"] = send_events
    async with gateway.client.stream("GET", "/v1/jobs/1/events", headers=bearer(7)) as response:
        await anext(response.aiter_raw())
    await asyncio.wait_for(upstream.cancelled.wait(), 5)


async def test_client_disconnect_during_upload_cancels_the_upstream_request(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    started = asyncio.Event()

    async def take(_scope: Scope, receive: Receive, _send: Send) -> None:
        started.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        upstream.cancelled.set()

    upstream.responders["/create"] = take
    token = bearer(7)["Authorization"]
    head = f"POST /create HTTP/1.1\r\nHost: a\r\nContent-Length: {FILE}\r\nAuthorization: {token}"
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + b"\r\n\r\n" + CHUNK + CHUNK)
    await writer.drain()
    await asyncio.wait_for(started.wait(), 5)
    writer.close()
    await asyncio.wait_for(upstream.cancelled.wait(), 5)


async def test_declared_oversized_body_is_413_before_it_is_sent(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(json_limit_bytes=2048)
    head = f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {FILE}\r\nExpect: 100-continue\r\n\r\n"
    received = await gateway.raw(head.encode())
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in received
    assert upstream.requests == []


async def test_body_of_unknown_length_is_413_at_the_limit(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(json_limit_bytes=100_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 40 * MEBIBYTE:
            sent += len(CHUNK)
            yield CHUNK

    refused = await gateway.client.post("/login", content=endless())
    assert refused.status_code == 413
    assert refused.json()["code"] == "payload_too_large"
    assert upstream.requests == []


async def test_client_still_sending_receives_the_413(start: StartGateway) -> None:
    gateway = await start(json_limit_bytes=2048)
    head = f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {4 * MEBIBYTE}\r\n\r\n".encode()
    received = await gateway.raw(head, *[CHUNK] * (4 * MEBIBYTE // len(CHUNK)))
    assert received.startswith(b"HTTP/1.1 413 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["status"] == 413


async def test_client_still_sending_receives_the_upstreams_early_error(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    async def refuse(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await respond(send, {"code": "not_enough_tokens"}, 402)

    upstream.responders["/create"] = refuse
    refused = await gateway.client.post("/create", content=file_of(8 * MEBIBYTE), headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (402, "not_enough_tokens")
