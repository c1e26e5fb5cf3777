"""Connections whose client does not go on: each state that waits for a client has an end."""

import asyncio
import json

import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import DEADLINE, RunningGateway
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import access_token

from gateway.http_protocol import LONGEST_PIPELINE, MOST_HEADERS, StrictHttpProtocol

PROXY = b"PROXY TCP4 1.1.1.1 127.0.0.1 40000 8000\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n"
TOKEN = b"Authorization: Bearer " + access_token(7).encode() + b"\r\n"
TRICKLE_SECONDS = 0.05


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StrictHttpProtocol, "first_byte_seconds", 0.4)
    monkeypatch.setattr(StrictHttpProtocol, "head_seconds", 0.4)


async def trickle(gateway: RunningGateway, start: bytes, piece: bytes) -> bytes:
    """Send the start, then the piece again and again; the response until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(start)
    reading = asyncio.create_task(reader.read())
    try:
        async with asyncio.timeout(DEADLINE / 3):
            while not reading.done():
                await asyncio.wait([reading], timeout=TRICKLE_SECONDS)
                if piece:
                    writer.write(piece)
            return await reading
    except ConnectionError:
        return b"reset"
    finally:
        reading.cancel()
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"PROX", PROXY], ids=["nothing", "a part of PROXY", "only PROXY"])
async def test_silent_connection_is_closed(gateway: RunningGateway, sent: bytes) -> None:
    assert await trickle(gateway, sent, b"") == b""


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"G", b""),
        (GET, b""),
        (PROXY + GET, b""),
        (GET + b"X-A: ", b"x"),
        (GET, b"X-A: a\r\n"),
        (b"GET /", b"x"),
        (b"\r\n", b"\r\n"),
    ],
    ids=["one byte", "half a head", "behind PROXY", "one header", "headers", "the address", "empty lines"],
)
async def test_head_that_trickles_in_is_408(gateway: RunningGateway, begun: bytes, piece: bytes) -> None:
    head, _, body = (await trickle(gateway, begun, piece)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout")
    assert json.loads(body)["code"] == "request_too_slow"


@pytest.mark.parametrize("begun", [GET, b"\r\n" + GET, b"GET /"])
async def test_second_head_on_a_connection_has_its_time_too(gateway: RunningGateway, begun: bytes) -> None:
    received = await trickle(gateway, GET + b"\r\n" + begun, b"X")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 408 " in received


async def test_second_head_that_begins_later_has_its_time_too(gateway: RunningGateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(GET + b"\r\n")
    assert await reader.readuntil(b"}")
    writer.write(b"GET /li")
    async with asyncio.timeout(DEADLINE / 3):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.parametrize("path", [b"/livez", b"/unknown"], ids=["answered", "refused"])
async def test_body_that_trickles_in_after_its_response_ends(gateway: RunningGateway, path: bytes) -> None:
    start = b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    received = await trickle(gateway, start, b"x")
    assert received.count(b"HTTP/1.1 ") == 1


async def test_idle_connection_stays_open(gateway: RunningGateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    for _ in range(2):
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.9)
    writer.close()


async def test_head_in_pieces_is_served(gateway: RunningGateway) -> None:
    received = await gateway.raw(GET[:7], GET[7:], b"Connection: close\r\n", b"\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


async def test_long_work_outlasts_the_time_of_a_head(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    async def work(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    upstream.responders["/create"] = work
    head = b"POST /create HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n" + TOKEN + b"\r\n{}"
    received = await gateway.raw(head + GET, end=b"408")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"done" in received


async def test_upgrade_leaves_no_request_unanswered(gateway: RunningGateway) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    received = await gateway.raw(GET + upgrade, GET + b"\r\n")
    assert b"connection: close" in received
    assert received.count(b"HTTP/1.1 200 ") == 1


async def test_pipelined_flood_is_refused(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    request = b"GET /v1/prices HTTP/1.1\r\nHost: a\r\n\r\n"
    received = await gateway.raw(request * (LONGEST_PIPELINE * 4))
    assert b"HTTP/1.1 400 " in received
    assert b"sent ahead" in received
    assert len(upstream.requests) <= LONGEST_PIPELINE


async def test_pipelined_requests_within_the_limit_are_served(gateway: RunningGateway) -> None:
    received = await gateway.raw(
        (GET + b"\r\n") * (LONGEST_PIPELINE - 1) + GET + b"Connection: close\r\n\r\n"
    )
    assert received.count(b"HTTP/1.1 200 ") == LONGEST_PIPELINE


async def test_too_many_headers_are_refused(gateway: RunningGateway) -> None:
    received = await gateway.raw(GET + b"a:\r\n" * MOST_HEADERS + b"\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"headers" in received


async def test_client_that_reads_no_response_is_cut_off(
    gateway: RunningGateway, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StrictHttpProtocol, "unread_seconds", 0.5)

    async def send_much(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    async def send_until_disconnected(_scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(send_much(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()
        upstream.cancelled.set()

    upstream.responders["/trained/x"] = send_until_disconnected
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
    writer.write(b"GET /trained/x HTTP/1.1\r\nHost: a\r\n" + TOKEN + b"\r\n")
    await asyncio.wait_for(upstream.cancelled.wait(), DEADLINE / 3)
    writer.close()
