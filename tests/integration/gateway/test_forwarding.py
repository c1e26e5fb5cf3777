"""What a request and its answer look like on the other side of the gateway."""

import gzip

import pytest
from starlette.types import Receive, Scope, Send
from tests.integration.gateway.conftest import Running, Start
from tests.integration.gateway.upstream import Sibling, answer, read
from tests.support.tokens import bearer

PATH = "/trained/x"


def seen_headers(sibling: Sibling) -> list[tuple[str, str]]:
    return sibling.seen[-1]["headers"]  # pyright: ignore[reportReturnType] - as the stand-in noted it


async def test_a_request_reaches_its_service_with_path_query_and_body_as_sent(
    gateway: Running, sibling: Sibling
) -> None:
    await gateway.client.post("/predict/7_linear_x%20y?a=1&a=%7E&b=;", content=b'{"a": 1}', headers=bearer(7))
    assert sibling.seen[-1]["path"] == "/predict/7_linear_x%20y"
    assert sibling.seen[-1]["query"] == "a=1&a=%7E&b=;"
    assert sibling.seen[-1]["body"] == '{"a": 1}'


async def test_the_callers_token_goes_on_to_the_service(gateway: Running, sibling: Sibling) -> None:
    mine = bearer(7)
    await gateway.client.get(PATH, headers=mine)
    assert ("authorization", mine["Authorization"]) in seen_headers(sibling)


async def test_a_public_route_passes_a_token_on_unjudged(gateway: Running, sibling: Sibling) -> None:
    await gateway.client.get("/v1/prices", headers={"Authorization": "Bearer whatever"})
    assert ("authorization", "Bearer whatever") in seen_headers(sibling)


async def test_a_public_route_needs_no_token(gateway: Running) -> None:
    assert (await gateway.client.get("/v1/prices")).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Bearer x.y.z", "Bearer fbx_unknown"])
async def test_without_a_good_credential_no_service_hears_of_a_request(
    gateway: Running, sibling: Sibling, authorization: str
) -> None:
    refused = await gateway.client.get(
        PATH, headers={"Authorization": authorization} if authorization else {}
    )
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert sibling.seen == []


async def test_an_expired_token_is_refused(gateway: Running) -> None:
    refused = await gateway.client.get(PATH, headers=bearer(7, lifetime=-5))
    assert refused.status_code == 401
    assert "expired" in refused.json()["detail"]


async def test_claimed_identities_and_forwarding_headers_do_not_arrive(
    gateway: Running, sibling: Sibling
) -> None:
    claimed = {"X-User-Id": "1", "X_User_Id": "1", "X-Forwarded-User": "root", "X-Farebox-Role": "admin"}
    await gateway.client.get(
        PATH, headers={**bearer(7), **claimed, "X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1"}
    )
    arrived = dict(seen_headers(sibling))
    assert not {"x-user-id", "x_user_id", "x-forwarded-user", "x-farebox-role", "forwarded"} & arrived.keys()
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert arrived["x-forwarded-proto"] == "http"
    assert arrived["x-forwarded-host"] == f"127.0.0.1:{gateway.port}"


async def test_a_proxy_that_the_settings_name_is_believed(start: Start, sibling: Sibling) -> None:
    gateway = await start(trusted_proxies="127.0.0.0/8")
    await gateway.client.get(
        PATH, headers={**bearer(7), "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
    )
    arrived = dict(seen_headers(sibling))
    assert (arrived["x-forwarded-for"], arrived["x-forwarded-proto"]) == ("1.2.3.4", "https")


async def test_each_header_of_ours_arrives_once(gateway: Running, sibling: Sibling) -> None:
    await gateway.client.post("/predict/x", json={}, headers=bearer(7))
    names = [name for name, _ in seen_headers(sibling)]
    ours = ("host", "content-length", "authorization", "x-request-id", "x-forwarded-for", "content-type")
    assert [names.count(name) for name in ours] == [1] * len(ours)


async def test_a_request_id_is_forwarded_and_returned(gateway: Running, sibling: Sibling) -> None:
    answered = await gateway.client.get(PATH, headers={**bearer(7), "X-Request-Id": "mine-1"})
    assert ("x-request-id", "mine-1") in seen_headers(sibling)
    assert answered.headers.get_list("x-request-id") == ["mine-1"]


async def test_a_request_without_an_id_gets_one_that_its_service_sees_too(
    gateway: Running, sibling: Sibling
) -> None:
    answered = await gateway.client.get(PATH, headers=bearer(7))
    assert ("x-request-id", answered.headers["x-request-id"]) in seen_headers(sibling)


async def test_traceparent_is_passed_on(gateway: Running, sibling: Sibling) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await gateway.client.get(PATH, headers={**bearer(7), "traceparent": parent})
    assert ("traceparent", parent) in seen_headers(sibling)


async def answered_by(
    gateway: Running, sibling: Sibling, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> object:
    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await answer(send, body, status, headers)

    sibling.answers[PATH] = application
    return await gateway.client.get(PATH, headers=bearer(7), follow_redirects=False)


async def test_repeated_headers_of_an_answer_stay_repeated(gateway: Running, sibling: Sibling) -> None:
    headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-latin", b"caf\xe9")]
    answered = await answered_by(gateway, sibling, 200, headers)
    assert answered.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (b"x-latin", b"caf\xe9") in answered.headers.raw


async def test_an_answers_cookie_is_not_sent_with_the_next_request(
    gateway: Running, sibling: Sibling
) -> None:
    await answered_by(gateway, sibling, 200, [(b"set-cookie", b"a=1")])
    gateway.client.cookies.clear()
    await gateway.client.get("/trained/y", headers=bearer(7))
    assert "cookie" not in dict(seen_headers(sibling))


async def test_a_compressed_answer_passes_untouched(gateway: Running, sibling: Sibling) -> None:
    packed = gzip.compress(b"a" * 5000)
    answered = await answered_by(gateway, sibling, 200, [(b"content-encoding", b"gzip")], packed)
    assert answered.headers["content-length"] == str(len(packed))
    assert answered.text == "a" * 5000


async def test_a_redirect_is_passed_on_and_not_followed(gateway: Running, sibling: Sibling) -> None:
    answered = await answered_by(gateway, sibling, 307, [(b"location", b"/elsewhere")])
    assert (answered.status_code, answered.headers["location"]) == (307, "/elsewhere")
    assert sibling.seen == []


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_leaves_the_connection_usable(
    gateway: Running, sibling: Sibling, status: int
) -> None:
    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b"x")]})
        await send({"type": "http.response.body", "body": b""})

    sibling.answers[PATH] = application
    answers = [await gateway.client.get(PATH, headers=bearer(7)) for _ in range(3)]
    assert {(each.status_code, each.content) for each in answers} == {(status, b"")}


async def test_large_headers_of_an_answer_pass(gateway: Running, sibling: Sibling) -> None:
    answered = await answered_by(gateway, sibling, 200, [(b"x-big", b"x" * 30_000)])
    assert len(answered.headers["x-big"]) == 30_000


async def test_an_answer_may_not_be_sniffed_and_has_one_date_and_no_server(gateway: Running) -> None:
    answered = await gateway.client.get(PATH, headers=bearer(7))
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert len(answered.headers.get_list("date")) == 1
    assert "server" not in answered.headers


async def test_pages_of_other_origins_may_not_call_unless_named(start: Start) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    closed, opened = await start(), await start(cors_origins="https://app.example")
    assert (await closed.client.options("/v1/users", headers=asked)).status_code == 405
    allowed = await opened.client.options("/v1/users", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    refused = await opened.client.options("/v1/users", headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in refused.headers


async def test_metrics_are_not_published(gateway: Running) -> None:
    assert (await gateway.client.get("/metrics")).status_code == 404
