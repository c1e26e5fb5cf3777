"""Forwarding: requests as services receive them, responses as clients receive them."""

import asyncio
import gzip
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.upstream import FakeUpstream, read_body, respond
from tests.support.tokens import bearer

PATH = "/trained/x"


def received_headers(upstream: FakeUpstream) -> list[tuple[str, str]]:
    return upstream.requests[-1]["headers"]  # pyright: ignore[reportReturnType] - as the fake recorded it


async def test_path_query_and_body_reach_the_service_unchanged(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    await gateway.client.post("/predict/7_linear_x%20y?a=1&a=%7E&b=;", content=b'{"a": 1}', headers=bearer(7))
    assert upstream.requests[-1]["path"] == "/predict/7_linear_x%20y"
    assert upstream.requests[-1]["query"] == "a=1&a=%7E&b=;"
    assert upstream.requests[-1]["body"] == '{"a": 1}'


async def test_request_with_a_small_body_takes_no_task_to_write_it(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    loop = asyncio.get_running_loop()
    tasks: list[str] = []

    def create(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        tasks.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(create)
    await gateway.client.post("/predict/x", content=b"{}", headers=bearer(7))
    loop.set_task_factory(None)
    assert upstream.requests[-1]["body"] == "{}"
    assert not [name for name in tasks if "write" in name], tasks


@pytest.mark.parametrize("id_", ["7", "7.0", "%2B7", "%207", "07", "7%20", "-7", "%37"])
async def test_id_in_the_path_reaches_the_service_unchanged(
    gateway: RunningGateway, upstream: FakeUpstream, id_: str
) -> None:
    request = f"DELETE /admin/users/{id_} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    await gateway.raw(f"{request}Authorization: {bearer(7)['Authorization']}\r\n\r\n".encode())
    assert upstream.requests[-1]["path"] == f"/admin/users/{id_}"


@pytest.mark.parametrize(
    ("method", "path", "milliseconds"),
    [
        ("GET", "/v1/models", "15000"),
        ("POST", "/predict/x", "120000"),
        ("POST", "/v1/datasets", "900000"),
        ("POST", "/create", "1800000"),
    ],
)
async def test_deadline_of_the_route_replaces_the_clients(
    gateway: RunningGateway, upstream: FakeUpstream, method: str, path: str, milliseconds: str
) -> None:
    headers = {**bearer(7), "X-Request-Timeout-Ms": "1"}
    await gateway.client.request(method, path, headers=headers)
    deadlines = [value for name, value in received_headers(upstream) if name == "x-request-timeout-ms"]
    assert deadlines == [milliseconds]


async def test_event_stream_has_no_deadline(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    await gateway.client.get("/v1/jobs/1/events", headers={**bearer(7), "X-Request-Timeout-Ms": "1"})
    assert "x-request-timeout-ms" not in dict(received_headers(upstream))


async def test_access_token_reaches_the_service(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    mine = bearer(7)
    await gateway.client.get(PATH, headers=mine)
    assert ("authorization", mine["Authorization"]) in received_headers(upstream)


async def test_public_route_forwards_authorization_unverified(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    await gateway.client.get("/v1/prices", headers={"Authorization": "Bearer whatever"})
    assert ("authorization", "Bearer whatever") in received_headers(upstream)


async def test_public_route_needs_no_token(gateway: RunningGateway) -> None:
    assert (await gateway.client.get("/v1/prices")).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Bearer x.y.z", "Bearer fbx_unknown"])
async def test_invalid_credential_is_401_and_reaches_no_service(
    gateway: RunningGateway, upstream: FakeUpstream, authorization: str
) -> None:
    refused = await gateway.client.get(
        PATH, headers={"Authorization": authorization} if authorization else {}
    )
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert upstream.requests == []


async def test_expired_token_is_401(gateway: RunningGateway) -> None:
    refused = await gateway.client.get(PATH, headers=bearer(7, lifetime=-5))
    assert refused.status_code == 401
    assert "expired" in refused.json()["detail"]


async def test_identity_and_forwarding_headers_are_replaced(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    claimed = {"X-User-Id": "1", "X_User_Id": "1", "X-Forwarded-User": "root", "X-Farebox-Role": "admin"}
    await gateway.client.get(
        PATH, headers={**bearer(7), **claimed, "X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1"}
    )
    arrived = dict(received_headers(upstream))
    assert not {"x-user-id", "x_user_id", "x-forwarded-user", "x-farebox-role", "forwarded"} & arrived.keys()
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert arrived["x-forwarded-proto"] == "http"
    assert arrived["x-forwarded-host"] == f"127.0.0.1:{gateway.port}"


async def test_forwarding_headers_of_a_trusted_proxy_are_used(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(trusted_proxies="127.0.0.0/8")
    await gateway.client.get(
        PATH, headers={**bearer(7), "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
    )
    arrived = dict(received_headers(upstream))
    assert (arrived["x-forwarded-for"], arrived["x-forwarded-proto"]) == ("1.2.3.4", "https")


async def test_headers_set_by_the_gateway_arrive_once(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    await gateway.client.post("/predict/x", json={}, headers=bearer(7))
    names = [name for name, _ in received_headers(upstream)]
    ours = ("host", "content-length", "authorization", "x-request-id", "x-forwarded-for", "content-type")
    assert [names.count(name) for name in ours] == [1] * len(ours)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_client_library_adds_no_headers_of_its_own(
    gateway: RunningGateway, upstream: FakeUpstream, method: str
) -> None:
    path, body = {"GET": ("/v1/prices", b""), "POST": ("/login", b"{}")}[method]
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    await gateway.raw(head.encode() + b"X-User-Id: 1\r\n\r\n" + body)
    names = {name for name, _ in received_headers(upstream)}
    forwarded = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    assert names - {"content-length"} == {"host", "x-request-id", "x-request-timeout-ms", *forwarded}


async def test_connection_header_cannot_remove_the_token(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    mine = bearer(7)
    await gateway.client.get(PATH, headers={**mine, "Connection": "keep-alive, Authorization"})
    assert ("authorization", mine["Authorization"]) in received_headers(upstream)


async def test_request_id_is_forwarded_and_returned(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    response = await gateway.client.get(PATH, headers={**bearer(7), "X-Request-Id": "mine-1"})
    assert ("x-request-id", "mine-1") in received_headers(upstream)
    assert response.headers.get_list("x-request-id") == ["mine-1"]


async def test_missing_request_id_is_created_and_forwarded(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    response = await gateway.client.get(PATH, headers=bearer(7))
    assert ("x-request-id", response.headers["x-request-id"]) in received_headers(upstream)


async def test_traceparent_is_forwarded(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await gateway.client.get(PATH, headers={**bearer(7), "traceparent": parent})
    assert ("traceparent", parent) in received_headers(upstream)


async def response_from(
    gateway: RunningGateway,
    upstream: FakeUpstream,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes = b"",
) -> httpx.Response:
    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send, body, status, headers)

    upstream.responders[PATH] = application
    return await gateway.client.get(PATH, headers=bearer(7), follow_redirects=False)


async def test_repeated_response_headers_stay_repeated(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-latin", b"caf\xe9")]
    response = await response_from(gateway, upstream, 200, headers)
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (b"x-latin", b"caf\xe9") in response.headers.raw


async def test_upstream_cookie_is_not_sent_with_the_next_request(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    await response_from(gateway, upstream, 200, [(b"set-cookie", b"a=1")])
    gateway.client.cookies.clear()
    await gateway.client.get("/trained/y", headers=bearer(7))
    assert "cookie" not in dict(received_headers(upstream))


async def test_compressed_response_passes_unchanged(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    packed = gzip.compress(b"a" * 5000)
    response = await response_from(gateway, upstream, 200, [(b"content-encoding", b"gzip")], packed)
    assert response.headers["content-length"] == str(len(packed))
    assert response.text == "a" * 5000


async def test_redirect_is_passed_on_and_not_followed(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    response = await response_from(gateway, upstream, 307, [(b"location", b"/elsewhere")])
    assert (response.status_code, response.headers["location"]) == (307, "/elsewhere")
    assert upstream.requests == []


@pytest.mark.parametrize("status", [204, 304])
async def test_response_without_a_body_keeps_the_connection_usable(
    gateway: RunningGateway, upstream: FakeUpstream, status: int
) -> None:
    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b"x")]})
        await send({"type": "http.response.body", "body": b""})

    upstream.responders[PATH] = application
    responses = [await gateway.client.get(PATH, headers=bearer(7)) for _ in range(3)]
    assert {(response.status_code, response.content) for response in responses} == {(status, b"")}


async def test_large_response_headers_pass(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    response = await response_from(gateway, upstream, 200, [(b"x-big", b"x" * 30_000)])
    assert len(response.headers["x-big"]) == 30_000


async def test_response_has_nosniff_one_date_and_no_server(gateway: RunningGateway) -> None:
    response = await gateway.client.get(PATH, headers=bearer(7))
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(response.headers.get_list("date")) == 1
    assert "server" not in response.headers


async def test_cross_origin_calls_need_a_configured_origin(start: StartGateway) -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    closed, opened = await start(), await start(cors_origins="https://app.example")
    assert (await closed.client.options("/v1/users", headers=preflight)).status_code == 405
    allowed = await opened.client.options("/v1/users", headers=preflight)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    refused = await opened.client.options(
        "/v1/users", headers={**preflight, "Origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in refused.headers


async def test_metrics_are_not_published(gateway: RunningGateway) -> None:
    assert (await gateway.client.get("/metrics")).status_code == 404
