"""Which headers pass, and which requests are refused for how they are framed."""

import pytest

from gateway.forwarding.headers import check_framing, for_client, for_upstream
from kit.errors import Malformed

HOST = (b"host", b"farebox.example")


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
        "host",
        "expect",
        "x-user",
        "x-user-id",
        "x-user-role",
        "x-username",
        "x-forwarded-for",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "x-real-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "remote-user",
        "x-remote-user",
        "x-farebox-user",
        "x-farebox-role",
        "x-auth-request-user",
        "x-authenticated-userid",
        "x-consumer-id",
        "x-internal-token",
        "x-service-name",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x_user_id",
        "x_forwarded_for",
        "content_length",
        "transfer_encoding",
        "authorization_",
        "proxy",
    ],
)
def test_a_header_for_this_hop_or_that_claims_an_identity_goes_no_further(name: str) -> None:
    assert for_upstream([(name.encode(), b"1")]) == []


@pytest.mark.parametrize(
    "name",
    [
        "accept",
        "authorization",
        "content-type",
        "content-encoding",
        "cookie",
        "idempotency-key",
        "last-event-id",
        "user-agent",
        "if-none-match",
        "range",
        "x-custom",
        "x-users",
    ],
)
def test_an_ordinary_header_passes(name: str) -> None:
    assert for_upstream([(name.encode(), b"a")]) == [(name, "a")]


def test_a_header_that_connection_names_goes_no_further() -> None:
    sent = [
        (b"connection", b"close, X-Secret"),
        (b"x-secret", b"1"),
        (b"connection", b"X-Other"),
        (b"x-other", b"2"),
    ]
    assert for_upstream([*sent, (b"accept", b"*/*")]) == [("accept", "*/*")]


def test_repeated_headers_stay_repeated_and_in_order() -> None:
    sent = [(b"accept", b"a"), (b"x-a", b"1"), (b"accept", b"b")]
    assert for_upstream(sent) == [("accept", "a"), ("x-a", "1"), ("accept", "b")]


def test_a_value_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Malformed):
        for_upstream([(b"x-a", b"\xff")])


def test_an_answer_keeps_repeated_headers_and_its_content_encoding() -> None:
    sent = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"Content-Encoding", b"gzip")]
    assert for_client(sent, 200) == [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-encoding", b"gzip"),
    ]


def test_an_answer_loses_what_the_gateway_writes_itself() -> None:
    sent = [(b"Server", b"x"), (b"Date", b"x"), (b"X-Request-Id", b"x"), (b"Transfer-Encoding", b"chunked")]
    assert for_client([*sent, (b"Connection", b"X-Hop"), (b"X-Hop", b"1")], 200) == []


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(status: int) -> None:
    assert for_client([(b"Content-Length", b"10"), (b"ETag", b"x")], status) == [(b"etag", b"x")]


@pytest.mark.parametrize(
    "headers",
    [
        [HOST, HOST],
        [HOST, (b"host", b"other")],
        [],
        [HOST, (b"content-length", b"1"), (b"content-length", b"2")],
        [HOST, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")],
        [HOST, (b"transfer-encoding", b"gzip, chunked")],
        [HOST, (b"transfer-encoding", b"identity")],
        [HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [HOST, (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [HOST, (b"x-long", b"x" * 70_000)],
        [HOST, (b"upgrade", b"h2c"), (b"connection", b"upgrade"), (b"content-length", b"5")],
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Malformed):
        check_framing(headers, "1.1")


def test_a_chunked_request_of_http_1_0_is_refused() -> None:
    with pytest.raises(Malformed):
        check_framing([HOST, (b"transfer-encoding", b"chunked")], "1.0")


def test_an_ordinary_request_is_soundly_framed() -> None:
    check_framing([HOST, (b"content-length", b"5"), (b"accept", b"a"), (b"accept", b"b")], "1.1")
