"""Hostile framing: malformed requests, path traversal and oversized heads."""

from dataclasses import dataclass

from tests.support.hostile.files import MARKER

HOST = b"Host: gateway\r\n"


@dataclass(frozen=True)
class HostileFrame:
    """A request as raw bytes."""

    name: str
    raw: bytes
    statuses: tuple[int, ...] = (400,)


def _get(name: str, path: bytes, *statuses: int) -> HostileFrame:
    return HostileFrame(name, b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n", statuses or (404,))


def _post(name: str, headers: bytes, body: bytes = b"", *statuses: int) -> HostileFrame:
    head = b"POST /v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    return HostileFrame(name, head + headers + b"\r\n" + body, statuses or (400,))


_MARKER = MARKER.encode()

FRAMES = [
    HostileFrame("two_hosts", b"GET /v1/me HTTP/1.1\r\n" + HOST * 2 + b"\r\n"),
    HostileFrame("no_host", b"GET /v1/me HTTP/1.1\r\n\r\n"),
    HostileFrame("no_http", _MARKER + b"\r\n\r\n"),
    HostileFrame("tls_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)),
    HostileFrame("unknown_method", b"STEAL /v1/me HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405)),
    HostileFrame("trace", b"TRACE /v1/me HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    HostileFrame("connect", b"CONNECT billing:8002 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405)),
    HostileFrame("header_without_a_colon", b"GET /v1/me HTTP/1.1\r\n" + HOST + _MARKER + b"\r\n\r\n"),
    HostileFrame("blank_before_the_colon", b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Zq : 1\r\n\r\n"),
    HostileFrame("nul_in_a_header", b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Zq: a\x00b\r\n\r\n"),
    HostileFrame(
        "header_of_100_kilobytes",
        b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Zq: " + _MARKER * 10_000 + b"\r\n\r\n",
        (400, 431),
    ),
    HostileFrame(
        "twelve_thousand_headers",
        b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Zq: 1\r\n" * 12_000 + b"\r\n",
        (400, 431),
    ),
    _post("two_lengths", b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "),
    _post("length_and_chunks", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    _post("negative_length", b"Content-Length: -1\r\n"),
    _post("length_of_text", b"Content-Length: " + _MARKER + b"\r\n"),
    _post("length_with_a_plus", b"Content-Length: +2\r\n", b"{}"),
    _post("chunk_of_nonsense", b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    _post("two_encodings", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    _post("disguised_encoding", b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    _post("announced_flood", b"Content-Length: 99999999999\r\n", b"", 413),
    _post(
        "two_authorizations",
        b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 2\r\n",
        b"{}",
    ),
    _get("path_that_climbs", b"/v1/models/../../internal/trust"),
    _get("encoded_climb", b"/v1/models/%2e%2e/%2e%2e/internal/trust"),
    _get("encoded_slash", b"/v1/models/a%2Fb"),
    _get("backslash", b"/v1\\..\\internal\\trust", 400, 404),
    _get("nul_in_the_path", b"/v1/models/a%00b"),
    _get("double_slash", b"//internal/trust"),
    _get("internal_route", b"/internal/trust"),
    _get("internal_metrics", b"/metrics"),
    _get("broken_escape", b"/v1/models/%zz"),
    _get("dot_segment_of_nothing", b"/v1/./me"),
]
