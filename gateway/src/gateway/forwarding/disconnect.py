"""Cancellation of a proxied request when its client disconnects, or when a side stops sending or reading."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from gateway.admission.body import IncomingBody
from gateway.errors import RequestTooSlow, UpstreamSlow
from kit.errors import ServiceError

# A task that waits for the disconnect starts only when the response takes longer than this.
WATCH_SECONDS = 0.1


class DisconnectWatcher:
    """Context manager that cancels its block when the client disconnects.

    Raises RequestTooSlow when the client stops sending its body, UpstreamSlow when the upstream stops reading
    it. One timer for all of this costs a third of a timeout around each `receive`.
    """

    def __init__(self, receive: Receive, body: IncomingBody) -> None:
        self._receive, self._body = receive, body
        self._loop = asyncio.get_running_loop()
        self._serving = asyncio.current_task(self._loop)
        self._waiting: asyncio.Task[None] | None = None
        self._failure: ServiceError | None = None
        self._cancelled = False

    def __enter__(self) -> None:
        self._timer = self._loop.call_later(WATCH_SECONDS, self._check)

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._waiting is not None:
            self._waiting.cancel()
        if not self._cancelled:
            return False
        if self._serving is not None:
            self._serving.uncancel()
        if kind is not asyncio.CancelledError:
            return False
        if self._failure is not None:
            raise self._failure from None
        return True

    def _check(self) -> None:
        if self._body.finished:
            self._waiting = self._loop.create_task(self._wait_for_disconnect())
        elif self._body.is_late:
            self._cancel(RequestTooSlow())
        elif self._body.is_stalled:
            # The HTTP client's own timeout starts only after the body is sent.
            self._cancel(UpstreamSlow())
        else:
            # The body's reader receives a disconnect itself; two readers would take each other's messages.
            self._timer = self._loop.call_later(WATCH_SECONDS, self._check)

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel(None)

    def _cancel(self, failure: ServiceError | None) -> None:
        self._failure, self._cancelled = failure, True
        if self._serving is not None:
            self._serving.cancel()
