"""Headers that pass the gateway, and requests refused for their framing."""

import pytest

from gateway.admission.framing import check_framing
from gateway.forwarding.headers import LONGEST_CACHED_NAME, cached_name, for_client, for_upstream
from kit.errors import Malformed

HOST = (b"host", b"farebox.example")
INVALID_HOSTS = [
    b"",
    b" ",
    b":80",
    b"a b",
    b"a/b",
    b"a@b",
    b"a,b",
    b"a:b",
    b"a:80:80",
    b"a:123456",
    b"[::1",
    b"::1",
    b"[::1]x",
    b"[a.b]",
    b"a%zz",
    b"a\tb",
    b"a#b",
    b"a?b",
    b"<a>",
    b"http://a",
    b"\xc3\xa9",
    b"a" * 300,
]


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
def test_hop_by_hop_and_identity_headers_are_removed(name: str) -> None:
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
def test_other_headers_pass(name: str) -> None:
    assert for_upstream([(name.encode(), b"a")]) == [(name, "a")]


def test_headers_named_by_connection_are_removed() -> None:
    sent = [
        (b"connection", b"close, X-Secret"),
        (b"x-secret", b"1"),
        (b"connection", b"X-Other"),
        (b"x-other", b"2"),
    ]
    assert for_upstream([*sent, (b"accept", b"*/*")]) == [("accept", "*/*")]


def test_connection_cannot_remove_the_credentials() -> None:
    sent = [(b"connection", b"authorization, x-a"), (b"authorization", b"Bearer x"), (b"x-a", b"1")]
    assert for_upstream(sent) == [("authorization", "Bearer x")]


def test_long_names_pass_and_take_no_memory() -> None:
    long = "x-long-" + "a" * LONGEST_CACHED_NAME
    before = cached_name.cache_info().currsize
    assert for_upstream([(long.encode(), b"1"), (b"x-user-" + long.encode(), b"1")]) == [(long, "1")]
    assert cached_name.cache_info().currsize == before


def test_repeated_headers_keep_their_order() -> None:
    sent = [(b"accept", b"a"), (b"x-a", b"1"), (b"accept", b"b")]
    assert for_upstream(sent) == [("accept", "a"), ("x-a", "1"), ("accept", "b")]


def test_header_value_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Malformed):
        for_upstream([(b"x-a", b"\xff")])


def test_response_keeps_repeated_headers_and_content_encoding() -> None:
    sent = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"Content-Encoding", b"gzip")]
    assert for_client(sent, 200) == [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-encoding", b"gzip"),
    ]


def test_response_headers_written_by_the_gateway_are_removed() -> None:
    sent = [(b"Server", b"x"), (b"Date", b"x"), (b"X-Request-Id", b"x"), (b"Transfer-Encoding", b"chunked")]
    assert for_client([*sent, (b"Connection", b"X-Hop"), (b"X-Hop", b"1")], 200) == []


def test_same_name_is_removed_from_each_request() -> None:
    # The names' verdicts are cached, so the first request must not decide for a later one.
    assert for_upstream([(b"x-only-once", b"1")]) == [("x-only-once", "1")]
    assert for_upstream([(b"connection", b"x-only-once"), (b"x-only-once", b"1")]) == []
    assert for_upstream([(b"x-only-once", b"1")]) == [("x-only-once", "1")]


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_a_body_has_no_content_length(status: int) -> None:
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
        *[[(b"host", host)] for host in INVALID_HOSTS],
        [HOST, (b"upgrade", b"h2c"), (b"connection", b"upgrade"), (b"content-length", b"5")],
    ],
)
def test_ambiguous_framing_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Malformed):
        check_framing(headers, "1.1")


@pytest.mark.parametrize(
    "host",
    [b"a", b"a:8000", b"a:", b"a.example.org.", b"127.0.0.1:8000", b"[::1]:8000", b"my_host", b"a%20b"],
)
def test_valid_host_is_accepted(host: bytes) -> None:
    check_framing([(b"host", host)], "1.1")


def test_chunked_http_1_0_request_is_refused() -> None:
    with pytest.raises(Malformed):
        check_framing([HOST, (b"transfer-encoding", b"chunked")], "1.0")


def test_ordinary_framing_is_accepted() -> None:
    check_framing([HOST, (b"content-length", b"5"), (b"accept", b"a"), (b"accept", b"b")], "1.1")
