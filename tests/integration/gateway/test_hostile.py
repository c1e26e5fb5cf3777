"""Hostile requests over a raw socket: smuggling, traversal, malformed HTTP."""

import json

import pytest
from tests.integration.gateway.conftest import RunningGateway
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import access_token

TOKEN = b"Authorization: Bearer " + access_token(7).encode() + b"\r\n"
HEAD = b"POST /predict/x HTTP/1.1\r\nHost: a\r\n" + TOKEN + b"Connection: close\r\n"

AMBIGUOUS = {
    "two hosts": HEAD + b"Host: b\r\n\r\n",
    "an invalid host": b"GET /v1/prices HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n",
    "an empty host": b"GET /v1/prices HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "no host": b"GET /v1/prices HTTP/1.1\r\nConnection: close\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": HEAD + b"Content-Length: 5, 6\r\n\r\nhello!",
    "a signed length": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\nhello",
    "an endless length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "another coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before chunks": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a tab before chunked": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /login HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded header": HEAD + b"X-A: a\r\n b\r\n\r\n",
    "a bare line feed": b"GET /v1/prices HTTP/1.1\nHost: a\n\n",
    "a NUL": HEAD + b"X-A: a\x00b\r\n\r\n",
    "a carriage return": HEAD + b"X-A: a\rb\r\n\r\n",
    "a control character": HEAD + b"X-A: a\x01b\r\n\r\n",
    "a delete": HEAD + b"X-A: a\x7fb\r\n\r\n",
    "bytes that are not UTF-8": HEAD + b"X-A: \xff\r\n\r\n",
    "a nameless header": HEAD + b": a\r\n\r\n",
    "a name with a space": HEAD + b"X A: a\r\n\r\n",
    "a strange method": b"GE{T /v1/prices HTTP/1.1\r\nHost: a\r\n\r\n",
    "a strange version": b"GET /v1/prices HTTP/3.0\r\nHost: a\r\n\r\n",
    "bytes above ASCII in the path": b"GET /v1/pric\xc3\xa9s HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes above ASCII in the query": b"GET /v1/prices?\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2 without upgrade": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade with a body": HEAD + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    "two credentials": HEAD + TOKEN + b"\r\n",
    "headers that are too long": HEAD + b"X-A: " + b"x" * 80_000 + b"\r\n\r\n",
    "too many headers at once": HEAD + b"X-A: a\r\n" * 20_000 + b"\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_ambiguous_request_is_400_and_reaches_no_service(
    gateway: RunningGateway, upstream: FakeUpstream, request_bytes: bytes
) -> None:
    head, _, body = (await gateway.raw(request_bytes)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    problem = json.loads(body)
    assert problem["code"] == "malformed"
    assert f"x-request-id: {problem['request_id']}".encode() in head.lower()
    assert upstream.requests == []


HIDDEN = {
    "internal": b"/internal/trust",
    "an absolute target": b"http://elsewhere/internal/trust",
    "a step upwards": b"/v1/../internal/trust",
    "an encoded step upwards": b"/v1/models/%2e%2e/%2e%2e/internal/trust",
    "encoded slashes": b"/v1/models/..%2f..%2finternal%2ftrust",
    "two slashes": b"//internal/trust",
    "two slashes inside": b"/v1//prices",
    "a backslash": b"/v1/models/..\\..\\internal",
    "an encoded NUL": b"/v1/models/a%00",
    "another case": b"/Internal/trust",
    "an asterisk": b"*",
}


@pytest.mark.parametrize("target", HIDDEN.values(), ids=HIDDEN.keys())
async def test_unpublished_path_is_404_and_reaches_no_service(
    gateway: RunningGateway, upstream: FakeUpstream, target: bytes
) -> None:
    request = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + TOKEN + b"Connection: close\r\n\r\n"
    head, _, body = (await gateway.raw(request)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert json.loads(body)["code"] == "route_not_found"
    assert upstream.requests == []


async def test_long_address_is_414_and_reaches_no_service(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    for target in ("/v1/prices?" + "a" * 9000, "/v1/prices?" + "a&" * 300, "/trained/" + "a" * 9000):
        refused = await gateway.client.get(target)
        assert (refused.status_code, refused.json()["code"]) == (414, "address_too_long")
    assert upstream.requests == []


async def test_absolute_target_of_a_published_route_is_served(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    await gateway.raw(b"GET http://elsewhere/v1/prices HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert upstream.requests[-1]["path"] == "/v1/prices"


async def test_trailer_does_not_become_a_header(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    trailer = b"0\r\nX-Custom: smuggled\r\nHost: b\r\n\r\n"
    received = await gateway.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + trailer)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert "x-custom" not in dict(upstream.requests[-1]["headers"])  # pyright: ignore
    assert upstream.requests[-1]["body"] == "hello"


async def test_endless_head_is_refused(gateway: RunningGateway) -> None:
    pieces = [b"GET /v1/prices HTTP/1.1\r\nHost: a\r\nX-A: ", *[b"x" * 65536] * 40]
    try:
        received = await gateway.raw(*pieces)
    except ConnectionError:
        return
    assert received.startswith(b"HTTP/1.1 400 ")


async def test_websocket_upgrade_is_served_as_ordinary_request(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    )
    head = b"GET /v1/prices HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n"
    received = await gateway.raw(head, end=b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert "upgrade" not in dict(upstream.requests[-1]["headers"])  # pyright: ignore


async def test_pipelined_requests_are_responseed_in_order(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    first = b"GET /v1/prices?1 HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /v1/prices?2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = await gateway.raw(first + last)
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert [request["query"] for request in upstream.requests] == ["1", "2"]


async def test_wrong_method_is_405_with_allowed_methods(gateway: RunningGateway) -> None:
    refused = await gateway.client.put("/v1/me")
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET, PATCH")
    assert refused.json()["code"] == "method_not_allowed"
