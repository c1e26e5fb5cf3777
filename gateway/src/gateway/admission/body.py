"""A request's body as it arrives: bounded, never collected unless it is small."""

import asyncio
import time
from collections.abc import AsyncGenerator

from starlette.types import Receive

from gateway.errors import RequestTooSlow
from kit.errors import Malformed, PayloadTooLarge, ServiceError

SMALL = 64 * 1024
SILENCE_SECONDS = 60.0


class ClientLeft(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class IncomingBody:
    """Counts bytes as they arrive; `failure` says why a stream of it ended early."""

    def __init__(self, receive: Receive, headers: dict[str, str], limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._received = 0
        self.declared = _declared_length(headers)
        self.finished = self.declared == 0
        self.failure: ServiceError | ClientLeft | None = None
        self._offered_at: float | None = None
        if self.declared is not None and self.declared > limit:
            raise self._too_large()

    @property
    def is_small(self) -> bool:
        return self.declared is not None and self.declared <= SMALL

    @property
    def is_left_untaken(self) -> bool:
        """Whether nobody has taken what has arrived for too long."""
        waiting = 0 if self._offered_at is None else time.monotonic() - self._offered_at
        return waiting > SILENCE_SECONDS

    async def whole(self) -> bytes:
        if self.finished:
            return b""
        chunks = [chunk async for chunk in self.stream()]
        content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if len(content) != self.declared:
            raise Malformed("The body is not as long as its Content-Length says.")
        return content

    async def stream(self) -> AsyncGenerator[bytes]:
        try:
            while not self.finished:
                chunk = await self._next()
                if chunk:
                    self._offered_at = time.monotonic()
                    yield chunk
                    self._offered_at = None
        except (ServiceError, ClientLeft) as failure:
            # The HTTP client that reads this wraps what it raises; the reason is kept for the answer.
            self.failure = failure
            raise

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise RequestTooSlow from None
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        self.finished = not message.get("more_body", False)
        if self._received > self._limit:
            raise self._too_large()
        return chunk

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body is larger than the {self._limit:,} bytes that this route takes.")


def _declared_length(headers: dict[str, str]) -> int | None:
    """None when the length is not known before the end."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0"))
