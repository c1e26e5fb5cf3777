"""PROXY protocol version 1: the line by which a load balancer passes on the client's address.

The balancer forwards bytes, and has no HTTP header to put the address in.
"""

from dataclasses import dataclass

from gateway.admission.trusted_proxies import parse_address

START, END = b"PROXY ", b"\r\n"
LONGEST_HEADER = 107
# Key of the ASGI scope's extensions under which the address reaches the gate.
EXTENSION = "farebox.proxy_protocol"


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`address` is None when the header names none; `rest` begins the first request."""

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
            # Neither a PROXY header nor HTTP: the HTTP parser will refuse it.
            return ProxyHeader(None, received)
