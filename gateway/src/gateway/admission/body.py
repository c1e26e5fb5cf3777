"""Body of a request: limits on its size and its pace while it arrives."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.types import Receive

from gateway.routing import Body
from kit.errors import Malformed, PayloadTooLarge, ServiceError

SMALL_BODY = 64 * 1024
UNREAD_SECONDS = 60.0
MEBIBYTE = 1024 * 1024
ALL_BUFFERS = 64 * MEBIBYTE
# The longest body of each class that is buffered; longer ones stream once their first bytes are there.
LONGEST_BUFFER = {Body.JSON: 16 * MEBIBYTE, Body.ROWS: MEBIBYTE, Body.UPLOAD: SMALL_BODY}


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete, so no response is possible."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The slowest body that is accepted: its longest silence, its lowest rate and its longest duration.

    Only the time counts in which the gateway waits for the client.
    """

    silence_seconds: float = 20.0
    bytes_per_second: int = 8192
    seconds: float = 600.0


class IncomingBody:
    """A body stream with limits; `failure` is the reason for an early end."""

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], limit: int, pace: Pace) -> None:
        self._receive, self.limit, self._pace = receive, limit, pace
        self._received = 0
        self.declared_length = _declared_length(headers)
        self.finished = self.declared_length == 0
        self.failure: ServiceError | ClientDisconnected | None = None
        self._receiving_since: float | None = None
        self._unread_since: float | None = None
        # Seconds of silence that the client may still use; bytes earn more of them.
        self._credit = pace.silence_seconds
        self._waited = 0.0
        if self.declared_length is not None and self.declared_length > limit:
            raise self._too_large()

    @property
    def is_small(self) -> bool:
        return self.declared_length is not None and self.declared_length <= SMALL_BODY

    @property
    def is_late(self) -> bool:
        """True when the client sends more slowly than the pace."""
        if self._receiving_since is None:
            return False
        waiting = time.monotonic() - self._receiving_since
        return waiting > self._credit or self._waited + waiting > self._pace.seconds

    @property
    def is_stalled(self) -> bool:
        """True when the upstream has left the last chunk unread for too long."""
        return self._unread_since is not None and time.monotonic() - self._unread_since > UNREAD_SECONDS

    async def read(self, room: int) -> bytes | AsyncGenerator[bytes]:
        """The whole body if it fits into this many bytes, else a stream of it."""
        if self.finished:
            return b""
        content = await self._next()
        if not self.finished:
            content = bytearray(content)
            while not self.finished and len(content) <= room:
                content += await self._next()
            content = bytes(content)
            if not self.finished:
                return self._stream(content)
        if self.declared_length is not None and len(content) != self.declared_length:
            raise Malformed("The length of the body differs from its Content-Length.")
        return content

    async def _stream(self, start: bytes) -> AsyncGenerator[bytes]:
        chunk = start
        while True:
            if chunk:
                self._unread_since = time.monotonic()
                yield chunk
                self._unread_since = None
            if self.finished:
                return
            chunk = await self._next()

    async def _next(self) -> bytes:
        self._receiving_since = started = time.monotonic()
        message = await self._receive()
        self._receiving_since = None
        if message["type"] == "http.disconnect":
            raise self._fail(ClientDisconnected())
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        self.finished = not message.get("more_body", False)
        if self._received > self.limit:
            raise self._fail(self._too_large())
        if not self.finished:
            self._account(time.monotonic() - started, len(chunk))
        return chunk

    def _account(self, waited: float, received: int) -> None:
        self._waited += waited
        credit = self._credit - waited + received / self._pace.bytes_per_second
        self._credit = min(credit, self._pace.silence_seconds)

    def _fail(self, failure: "ServiceError | ClientDisconnected") -> Exception:
        # The HTTP client that reads this stream wraps every error, so the reason is stored here.
        self.failure = failure
        return failure

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body is larger than the {self.limit:,} bytes that this route accepts.")


class BufferSpace:
    """Memory for bodies that are received completely before a connection to an upstream is taken.

    A body that trickles in would hold the connection meanwhile. When all buffers together are full, a further
    body streams as an upload does.
    """

    def __init__(self, size: int = ALL_BUFFERS) -> None:
        self._left = size

    def reserve(self, body: IncomingBody, kind: Body) -> int:
        """The bytes of this body to buffer, to be freed when its request ends. Small ones always fit."""
        if body.is_small:
            return 0
        wanted = LONGEST_BUFFER[kind] if body.declared_length is None else body.declared_length
        wanted = min(wanted, body.limit)
        if not SMALL_BODY < wanted <= min(LONGEST_BUFFER[kind], self._left):
            return 0
        self._left -= wanted
        return wanted

    def free(self, reserved: int) -> None:
        self._left += reserved


def _declared_length(headers: dict[bytes, bytes]) -> int | None:
    """None for a chunked body, whose length is known only at its end."""
    if b"transfer-encoding" in headers:
        return None
    return int(headers.get(b"content-length", b"0"))
