"""The line by which a balancer says, before a connection's first request, for whom it speaks.

It is the PROXY protocol's version 1: the balancer passes on bytes, and has no header to say it in.
"""

from dataclasses import dataclass

from gateway.admission.trusted_proxies import read_address

START, END = b"PROXY ", b"\r\n"
LONGEST = 107
EXTENSION = "farebox.introduction"


@dataclass(frozen=True, slots=True)
class Introduction:
    """`address` is None where none is given; `rest` is what belongs to the first request."""

    address: str | None
    rest: bytes


def read_introduction(received: bytes) -> Introduction | None:
    """What a connection begins with; None while too little is there to tell."""
    if not received.startswith(START):
        return None if START.startswith(received) else Introduction(None, received)
    length = received.find(END, 0, LONGEST)
    if length < 0:
        return None if len(received) < LONGEST else Introduction(None, received)
    rest = received[length + len(END) :]
    match received[:length].decode("latin-1").split(" "):
        case [_, "TCP4" | "TCP6", source, _, _, _] if read_address(source):
            return Introduction(source, rest)
        case [_, "UNKNOWN", *_]:
            return Introduction(None, rest)
        case _:
            # No introduction and no HTTP either: refusing it is the parser's.
            return Introduction(None, received)
