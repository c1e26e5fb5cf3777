"""Bodies pass as they come, in both directions, however large."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import psutil
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import DEADLINE, Running, Start, is_ready
from tests.integration.gateway.upstream import MEBIBYTE, Sibling, answer
from tests.support.problems import assert_problem
from tests.support.tokens import JWT_SECRET, bearer

from gateway.admission import body as bodies
from local.ports import free_port

CHUNK = b"x" * 65536
FILE = 50 * MEBIBYTE
ALLOWED_GROWTH = 64 * MEBIBYTE


async def file_of(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(CHUNK)):
        yield CHUNK


async def count_slowly(sibling: Sibling, receive: Receive, send: Send) -> None:
    """Take a body more slowly than it is sent, so that whoever buffers must grow."""
    more, since_pause = True, 0
    while more:
        message = await receive()
        sibling.bytes_received += len(message.get("body", b""))
        since_pause += len(message.get("body", b""))
        if since_pause > MEBIBYTE:
            since_pause = 0
            await asyncio.sleep(0.02)
        more = message.get("more_body", False)
    await answer(send, {"bytes": sibling.bytes_received})


@pytest.fixture
async def process(sibling_port: int) -> AsyncGenerator[tuple[psutil.Process, httpx.AsyncClient]]:
    """A gateway in a process of its own, whose memory is nobody else's."""
    port, sibling = free_port(), f"http://127.0.0.1:{sibling_port}"
    settings = {"AUTH_URL": sibling, "BILLING_URL": sibling, "ML_URL": sibling, "JWT_SECRET": JWT_SECRET}
    environment = {**os.environ, **settings, "PORT": str(port), "LOG_LEVEL": "WARNING"}
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as client:
            async with asyncio.timeout(DEADLINE):
                ready = False
                while not ready:
                    ready = await is_ready(client)
            yield psutil.Process(running.pid), client
    finally:
        running.terminate()
        await asyncio.wait_for(running.wait(), DEADLINE)


class Watched:
    """The most memory that a process used while the block ran."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self.growth = process, 0

    async def __aenter__(self) -> "Watched":
        self._before = self._process.memory_info().rss
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_why: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self.growth = max(self.growth, self._process.memory_info().rss - self._before)
            await asyncio.sleep(0.01)


async def test_an_upload_of_50_mb_to_a_slow_service_never_sits_in_memory(
    process: tuple[psutil.Process, httpx.AsyncClient], sibling: Sibling
) -> None:
    gateway, client = process
    sibling.answers["/create"] = lambda _scope, receive, send: count_slowly(sibling, receive, send)
    headers = {**bearer(7), "Content-Length": str(FILE)}
    async with Watched(gateway) as watched:
        answered = await client.post("/create", content=file_of(FILE), headers=headers)
    assert answered.json() == {"bytes": FILE}
    assert watched.growth < ALLOWED_GROWTH


async def test_an_upload_of_unknown_length_never_sits_in_memory(
    process: tuple[psutil.Process, httpx.AsyncClient], sibling: Sibling
) -> None:
    gateway, client = process
    sibling.answers["/create"] = lambda _scope, receive, send: count_slowly(sibling, receive, send)
    async with Watched(gateway) as watched:
        answered = await client.post("/create", content=file_of(FILE), headers=bearer(7))
    assert answered.json() == {"bytes": FILE}
    assert watched.growth < ALLOWED_GROWTH


async def test_an_answer_of_50_mb_to_a_slow_client_never_sits_in_memory(
    process: tuple[psutil.Process, httpx.AsyncClient], sibling: Sibling
) -> None:
    async def send_file(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(FILE // len(CHUNK)):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway, client = process
    sibling.answers["/trained/x"] = send_file
    received = 0
    async with Watched(gateway) as watched, client.stream("GET", "/trained/x", headers=bearer(7)) as answered:
        async for chunk in answered.aiter_raw(MEBIBYTE):
            received += len(chunk)
            await asyncio.sleep(0.02)
    assert received == FILE
    assert watched.growth < ALLOWED_GROWTH


async def test_events_arrive_one_by_one_as_they_are_sent(gateway: Running, sibling: Sibling) -> None:
    heard = asyncio.Event()

    async def send_events(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(3):
            heard.clear()
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            # The next one is sent only when the client has this one: a buffer in between would stop here.
            await asyncio.wait_for(heard.wait(), 5)
        await send({"type": "http.response.body", "body": b""})

    sibling.answers["/v1/jobs/1/events"] = send_events
    events: list[bytes] = []
    async with gateway.client.stream("GET", "/v1/jobs/1/events", headers=bearer(7)) as answered:
        async for chunk in answered.aiter_raw():
            events.append(chunk)
            heard.set()
    assert events == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


async def test_a_client_that_leaves_ends_the_work_of_its_service(gateway: Running, sibling: Sibling) -> None:
    started = asyncio.Event()

    async def work(_scope: Scope, receive: Receive, _send: Send) -> None:
        started.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        sibling.cancelled.set()

    sibling.answers["/create"] = work
    asking = asyncio.create_task(gateway.client.post("/create", content=b"{}", headers=bearer(7)))
    await started.wait()
    asking.cancel()
    await asyncio.wait_for(sibling.cancelled.wait(), 5)


async def test_an_upload_that_its_service_stops_taking_is_ended(
    gateway: Running, sibling: Sibling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_SECONDS", 0.5)
    awake = asyncio.Event()

    async def take_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await awake.wait()

    sibling.answers["/create"] = take_nothing
    headers = {**bearer(7), "Content-Length": str(FILE)}
    refused = await gateway.client.post("/create", content=file_of(FILE), headers=headers)
    assert_problem(refused, 503, "upstream_slow")
    awake.set()


async def test_a_client_that_leaves_an_event_stream_ends_it(gateway: Running, sibling: Sibling) -> None:
    async def send_events(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 0\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        sibling.cancelled.set()

    sibling.answers["/v1/jobs/1/events"] = send_events
    async with gateway.client.stream("GET", "/v1/jobs/1/events", headers=bearer(7)) as answered:
        await anext(answered.aiter_raw())
    await asyncio.wait_for(sibling.cancelled.wait(), 5)


async def test_a_client_that_leaves_in_the_middle_of_its_upload_ends_it(
    gateway: Running, sibling: Sibling
) -> None:
    started = asyncio.Event()

    async def take(_scope: Scope, receive: Receive, _send: Send) -> None:
        started.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        sibling.cancelled.set()

    sibling.answers["/create"] = take
    token = bearer(7)["Authorization"]
    head = f"POST /create HTTP/1.1\r\nHost: a\r\nContent-Length: {FILE}\r\nAuthorization: {token}"
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + b"\r\n\r\n" + CHUNK)
    await writer.drain()
    await asyncio.wait_for(started.wait(), 5)
    writer.close()
    await asyncio.wait_for(sibling.cancelled.wait(), 5)


async def test_a_body_declared_too_large_is_refused_before_it_is_sent(start: Start, sibling: Sibling) -> None:
    gateway = await start(json_limit_bytes=2048)
    head = f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {FILE}\r\nExpect: 100-continue\r\n\r\n"
    heard = await gateway.raw(head.encode())
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in heard
    assert sibling.seen == []


async def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_large(
    start: Start, sibling: Sibling
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
    assert sibling.seen == []


async def test_a_refused_client_that_goes_on_sending_still_reads_why(start: Start) -> None:
    gateway = await start(json_limit_bytes=2048)
    head = f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {4 * MEBIBYTE}\r\n\r\n".encode()
    heard = await gateway.raw(head, *[CHUNK] * (4 * MEBIBYTE // len(CHUNK)))
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["status"] == 413


async def test_an_early_refusal_by_the_service_reaches_a_client_that_is_still_sending(
    gateway: Running, sibling: Sibling
) -> None:
    async def refuse(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(send, {"code": "not_enough_tokens"}, 402)

    sibling.answers["/create"] = refuse
    refused = await gateway.client.post("/create", content=file_of(8 * MEBIBYTE), headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (402, "not_enough_tokens")
