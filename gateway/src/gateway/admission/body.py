"""Framing and body of a request: refuse ambiguous framing, and limit the body while it arrives."""

import time
from collections.abc import AsyncGenerator, Sequence
from itertools import chain

from starlette.types import Receive

from kit.errors import Malformed, PayloadTooLarge, ServiceError

RawHeaders = Sequence[tuple[bytes, bytes]]
LONGEST_HEADERS = 64 * 1024
SMALL_BODY = 64 * 1024
SILENCE_SECONDS = 60.0


def check_framing(headers: RawHeaders, http_version: str) -> None:
    """Refuse a request that two servers could frame differently; raises Malformed."""
    by_name = dict(headers)
    if len(by_name) != len(headers):
        _check_repeated([name for name, _ in headers])
    if b"host" not in by_name and http_version != "1.0":
        raise Malformed("The header Host is missing.")
    if b"transfer-encoding" in by_name:
        _check_transfer_encoding(by_name, http_version)
    if b"upgrade" in by_name and (b"content-length" in by_name or b"transfer-encoding" in by_name):
        # The HTTP parser treats the bytes after an Upgrade as another protocol, so the body would be lost.
        raise Malformed("This server does not upgrade connections; leave the header Upgrade out.")
    if sum(map(len, chain.from_iterable(headers))) > LONGEST_HEADERS:
        raise Malformed("The headers are too long; send fewer or shorter ones.")


def _check_repeated(names: Sequence[bytes]) -> None:
    for name in (b"host", b"content-length", b"transfer-encoding", b"authorization"):
        if names.count(name) > 1:
            raise Malformed(f"The header {name.decode().title()} was sent twice; send it once.")


def _check_transfer_encoding(headers: dict[bytes, bytes], http_version: str) -> None:
    if b"content-length" in headers:
        raise Malformed("Send Content-Length or Transfer-Encoding, not both.")
    if headers[b"transfer-encoding"].strip().lower() != b"chunked" or http_version == "1.0":
        raise Malformed("The only accepted Transfer-Encoding is 'chunked', over HTTP/1.1.")


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete, so no response is possible."""


class IncomingBody:
    """A body stream with a size limit; `failure` is the reason for an early end."""

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._received = 0
        self.declared_length = _declared_length(headers)
        self.finished = self.declared_length == 0
        self.failure: ServiceError | ClientDisconnected | None = None
        self._receiving_since: float | None = None
        self._unread_since: float | None = None
        if self.declared_length is not None and self.declared_length > limit:
            raise self._too_large()

    @property
    def is_small(self) -> bool:
        return self.declared_length is not None and self.declared_length <= SMALL_BODY

    @property
    def is_late(self) -> bool:
        """True when the client has sent nothing for too long."""
        return _is_too_long_ago(self._receiving_since)

    @property
    def is_stalled(self) -> bool:
        """True when the upstream has left the last chunk unread for too long."""
        return _is_too_long_ago(self._unread_since)

    async def read(self) -> bytes:
        if self.finished:
            return b""
        content = await self._next()
        if not self.finished:
            content = b"".join([content, *[chunk async for chunk in self.stream()]])
        if len(content) != self.declared_length:
            raise Malformed("The length of the body differs from its Content-Length.")
        return content

    async def stream(self) -> AsyncGenerator[bytes]:
        while not self.finished:
            chunk = await self._next()
            if chunk:
                self._unread_since = time.monotonic()
                yield chunk
                self._unread_since = None

    async def _next(self) -> bytes:
        self._receiving_since = time.monotonic()
        message = await self._receive()
        self._receiving_since = None
        if message["type"] == "http.disconnect":
            raise self._fail(ClientDisconnected())
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        self.finished = not message.get("more_body", False)
        if self._received > self._limit:
            raise self._fail(self._too_large())
        return chunk

    def _fail(self, failure: "ServiceError | ClientDisconnected") -> Exception:
        # The HTTP client that reads this stream wraps every error, so the reason is stored here.
        self.failure = failure
        return failure

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body is larger than the {self._limit:,} bytes that this route accepts.")


def _is_too_long_ago(moment: float | None) -> bool:
    return moment is not None and time.monotonic() - moment > SILENCE_SECONDS


def _declared_length(headers: dict[bytes, bytes]) -> int | None:
    """None for a chunked body, whose length is known only at its end."""
    if b"transfer-encoding" in headers:
        return None
    return int(headers.get(b"content-length", b"0"))
