"""What a connection begins with: a balancer's line, or at once the first request."""

import pytest

from gateway.proxy_protocol import LONGEST, Introduction, read_introduction

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
LINE = b"PROXY TCP4 1.2.3.4 10.0.0.1 40000 8000\r\n"


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (LINE, "1.2.3.4"),
        (b"PROXY TCP6 2001:db8::1 fd00::1 40000 8000\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN 1.2.3.4 10.0.0.1 40000 8000\r\n", None),
    ],
)
def test_an_introduction_is_read_and_taken_off(line: bytes, address: str | None) -> None:
    assert read_introduction(line + REQUEST) == Introduction(address, REQUEST)


@pytest.mark.parametrize("length", range(1, len(LINE)))
def test_an_introduction_may_come_in_pieces(length: int) -> None:
    assert read_introduction(LINE[:length]) is None


@pytest.mark.parametrize(
    "received",
    [
        REQUEST,
        b"POST",
        b"PROXY TCP4 1.2.3.4 10.0.0.1\r\n" + REQUEST,
        b"PROXY TCP4 elsewhere 10.0.0.1 40000 8000\r\n" + REQUEST,
        b"PROXY / HTTP/1.1\r\n\r\n",
        b"PROXY " + b"x" * LONGEST,
    ],
)
def test_anything_else_is_left_to_the_parser(received: bytes) -> None:
    assert read_introduction(received) == Introduction(None, received)
