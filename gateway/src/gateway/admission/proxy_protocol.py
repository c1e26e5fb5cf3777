"""PROXY protocol version 1: a load balancer's first line, with the client's address.

A TCP load balancer forwards bytes, and cannot add the address as an HTTP header.
"""

from dataclasses import dataclass

from gateway.admission.trusted_proxies import parse_address

START, END = b"PROXY ", b"\r\n"
LONGEST_HEADER = 107
# Key of the address in the ASGI scope's extensions.
EXTENSION = "farebox.proxy_protocol"


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`address` is None when the header has none; `rest` is the start of the first request."""

    address: str | None
    rest: bytes


def parse_proxy_header(received: bytes) -> ProxyHeader | None:
    """The header at the start of a connection; None while more bytes are needed to decide."""
    if not received.startswith(START):
        return None if START.startswith(received) else ProxyHeader(None, received)
    length = received.find(END, 0, LONGEST_HEADER)
    if length < 0:
        return None if len(received) < LONGEST_HEADER else ProxyHeader(None, received)
    rest = received[length + len(END) :]
    match received[:length].decode("latin-1").split(" "):
        case [_, "TCP4" | "TCP6", source, _, _, _] if parse_address(source):
            return ProxyHeader(source, rest)
        case [_, "UNKNOWN", *_]:
            return ProxyHeader(None, rest)
        case _:
            # Neither a PROXY header nor HTTP, so the HTTP parser will refuse it.
            return ProxyHeader(None, received)
