"""What a client is told when a service is away, slow, or dies in the middle."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import Running, Start
from tests.integration.gateway.upstream import Sibling
from tests.support.tokens import bearer

from gateway.forwarding.upstream import CONNECT_SECONDS
from gateway.routing import PUBLISHED
from local.ports import free_port

Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
PATH = "/trained/x"
# The gateway's own second, and what a busy machine may add to it.
SOON = 3


class RawService:
    """A service that speaks bytes, to break off where no framework would."""

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
async def gateway_to(service: RawService, start: Start) -> Running:
    return await start(ml_url=f"http://127.0.0.1:{service.port}")


def whole(body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_a_service_that_is_down_is_reported_soon(start: Start) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    before = time.monotonic()
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert time.monotonic() - before < SOON
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_down")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_service_that_cannot_be_reached_is_reported_soon(start: Start) -> None:
    gateway = await start(ml_url="http://192.0.2.1:9")
    before = time.monotonic()
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert time.monotonic() - before < SOON
    assert refused.status_code == 503
    assert CONNECT_SECONDS < 1


async def test_the_others_go_on_while_one_service_is_down(start: Start) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    assert (await gateway.client.get("/v1/prices")).status_code == 200


async def test_a_silent_service_is_reported_when_its_routes_time_is_up(
    start: Start, service: RawService
) -> None:
    async def be_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.read()

    service.respond = be_silent
    hasty = tuple(replace(each, seconds=0.3) for each in PUBLISHED)
    gateway = await start(ml_url=f"http://127.0.0.1:{service.port}", routes=hasty)
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_slow")


async def test_a_service_that_hangs_up_without_an_answer_is_a_clear_503(
    gateway_to: Running, service: RawService
) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.close()

    service.respond = hang_up
    refused = await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_lost")
    assert service.requests == 1


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_an_answer_that_is_no_http_is_a_clear_503(
    gateway_to: Running, service: RawService, garbage: bytes
) -> None:
    async def talk_nonsense(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int
    ) -> None:
        writer.write(garbage)
        await writer.drain()
        writer.close()

    service.respond = talk_nonsense
    refused = await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_lost")


async def test_a_small_answer_that_breaks_off_is_a_clear_503(
    gateway_to: Running, service: RawService
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
async def test_a_large_answer_that_breaks_off_never_ends_cleanly(
    gateway_to: Running, service: RawService, begun: bytes
) -> None:
    async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(begun)
        await writer.drain()
        writer.close()

    service.respond = break_off
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway_to.client.get(PATH, headers=bearer(7))


async def test_an_idle_connection_that_was_closed_is_replaced_unnoticed(
    gateway_to: Running, service: RawService
) -> None:
    async def answer_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(whole())
        await writer.drain()
        writer.close()

    service.respond = answer_once
    for _ in range(20):
        assert (await gateway_to.client.post("/predict/x", json={}, headers=bearer(7))).status_code == 200


async def test_a_lost_read_on_a_kept_connection_is_repeated(gateway_to: Running, service: RawService) -> None:
    async def answer_first(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 2:
            writer.close()
        else:
            writer.write(whole())
            await writer.drain()

    service.respond = answer_first
    answers = [await gateway_to.client.get(PATH, headers=bearer(7)) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert service.requests == 3


async def test_a_lost_write_on_a_kept_connection_is_not_repeated(
    gateway_to: Running, service: RawService
) -> None:
    async def answer_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readexactly(2)
        if number == 2:
            writer.close()
        else:
            writer.write(whole())
            await writer.drain()

    service.respond = answer_first
    answers = [await gateway_to.client.post("/predict/x", json={}, headers=bearer(7)) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 503]
    assert service.requests == 2


async def test_tokens_are_not_judged_before_the_first_news_of_revocations(
    start: Start, sibling: Sibling
) -> None:
    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sibling.answers["/internal/trust"] = fail
    gateway = await start(until_ready=False)
    refused = await gateway.client.get(PATH, headers=bearer(7))
    assert refused.status_code == 503
    assert (await gateway.client.get("/readyz")).status_code == 503
    assert (await gateway.client.get("/livez")).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_probe_may_ask_for_the_head_alone(gateway: Running, path: str) -> None:
    answer = await gateway.client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
