"""PROXY protocol header at the start of a connection."""

import pytest

from gateway.admission.proxy_protocol import LONGEST_HEADER, ProxyHeader, parse_proxy_header

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
HEADER = b"PROXY TCP4 1.2.3.4 10.0.0.1 40000 8000\r\n"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (HEADER, "1.2.3.4"),
        (b"PROXY TCP6 2001:db8::1 fd00::1 40000 8000\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN 1.2.3.4 10.0.0.1 40000 8000\r\n", None),
    ],
)
def test_header_is_parsed_and_removed(header: bytes, address: str | None) -> None:
    assert parse_proxy_header(header + REQUEST) == ProxyHeader(address, REQUEST)


@pytest.mark.parametrize("length", range(1, len(HEADER)))
def test_incomplete_header_needs_more_bytes(length: int) -> None:
    assert parse_proxy_header(HEADER[:length]) is None


@pytest.mark.parametrize(
    "received",
    [
        REQUEST,
        b"POST",
        b"PROXY TCP4 1.2.3.4 10.0.0.1\r\n" + REQUEST,
        b"PROXY TCP4 elsewhere 10.0.0.1 40000 8000\r\n" + REQUEST,
        b"PROXY / HTTP/1.1\r\n\r\n",
        b"PROXY " + b"x" * LONGEST_HEADER,
    ],
)
def test_other_bytes_are_left_to_the_http_parser(received: bytes) -> None:
    assert parse_proxy_header(received) == ProxyHeader(None, received)
