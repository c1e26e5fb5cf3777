"""Framing and body of a request: refuse ambiguous framing, and limit the body while it arrives."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

from starlette.types import Receive

from gateway.errors import RequestTooSlow
from kit.errors import Malformed, PayloadTooLarge, ServiceError

RawHeaders = Sequence[tuple[bytes, bytes]]
LONGEST_HEADERS = 64 * 1024
SMALL_BODY = 64 * 1024
SILENCE_SECONDS = 60.0


def check_framing(headers: RawHeaders, http_version: str) -> None:
    """Refuse a request that two servers could frame differently; raises Malformed."""
    names = [name for name, _ in headers]
    for name in (b"host", b"content-length", b"transfer-encoding", b"authorization"):
        if names.count(name) > 1:
            raise Malformed(f"The header {name.decode().title()} was sent twice; send it once.")
    if b"host" not in names and http_version != "1.0":
        raise Malformed("The header Host is missing.")
    if b"transfer-encoding" in names:
        _check_transfer_encoding(dict(headers), http_version)
    if b"upgrade" in names and (b"content-length" in names or b"transfer-encoding" in names):
        # The HTTP parser treats the bytes after an Upgrade as another protocol, so the body would be lost.
        raise Malformed("This server does not upgrade connections; leave the header Upgrade out.")
    if sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS:
        raise Malformed("The headers are too long; send fewer or shorter ones.")


def _check_transfer_encoding(headers: dict[bytes, bytes], http_version: str) -> None:
    if b"content-length" in headers:
        raise Malformed("Send Content-Length or Transfer-Encoding, not both.")
    if headers[b"transfer-encoding"].strip().lower() != b"chunked" or http_version == "1.0":
        raise Malformed("The only accepted Transfer-Encoding is 'chunked', over HTTP/1.1.")


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete, so no response is possible."""


class IncomingBody:
    """A body stream with a size limit; `failure` is the reason for an early end."""

    def __init__(self, receive: Receive, headers: dict[str, str], limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._received = 0
        self.declared_length = _declared_length(headers)
        self.finished = self.declared_length == 0
        self.failure: ServiceError | ClientDisconnected | None = None
        self._chunk_ready_at: float | None = None
        if self.declared_length is not None and self.declared_length > limit:
            raise self._too_large()

    @property
    def is_small(self) -> bool:
        return self.declared_length is not None and self.declared_length <= SMALL_BODY

    @property
    def is_stalled(self) -> bool:
        """True when the upstream has left the last chunk unread for too long."""
        unread_seconds = 0 if self._chunk_ready_at is None else time.monotonic() - self._chunk_ready_at
        return unread_seconds > SILENCE_SECONDS

    async def read(self) -> bytes:
        if self.finished:
            return b""
        chunks = [chunk async for chunk in self.stream()]
        content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if len(content) != self.declared_length:
            raise Malformed("The length of the body differs from its Content-Length.")
        return content

    async def stream(self) -> AsyncGenerator[bytes]:
        try:
            while not self.finished:
                chunk = await self._next()
                if chunk:
                    self._chunk_ready_at = time.monotonic()
                    yield chunk
                    self._chunk_ready_at = None
        except (ServiceError, ClientDisconnected) as failure:
            # The HTTP client that reads this stream wraps every error, so the reason is stored here.
            self.failure = failure
            raise

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise RequestTooSlow from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        self.finished = not message.get("more_body", False)
        if self._received > self._limit:
            raise self._too_large()
        return chunk

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body is larger than the {self._limit:,} bytes that this route accepts.")


def _declared_length(headers: dict[str, str]) -> int | None:
    """None for a chunked body, whose length is known only at its end."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0"))
