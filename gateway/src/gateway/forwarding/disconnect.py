"""Cancellation of a proxied request when its client disconnects, or when a side stops sending or reading."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from gateway.admission.body import IncomingBody
from gateway.errors import RequestTooSlow, UpstreamSlow
from kit.errors import ServiceError

# A request is first checked after this time to twice this time, and most have their response before.
WATCH_SECONDS = 0.1


class Watch:
    """The requests being served. They share one timer."""

    def __init__(self) -> None:
        self._new: set[DisconnectWatcher] = set()
        self._known: set[DisconnectWatcher] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watcher: "DisconnectWatcher") -> None:
        self._new.add(watcher)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._check)

    def discard(self, watcher: "DisconnectWatcher") -> None:
        self._new.discard(watcher)
        self._known.discard(watcher)

    def _check(self) -> None:
        due, self._known, self._new = self._known, self._new, set()
        self._known.update(watcher for watcher in due if watcher.check())
        self._timer = None
        if self._known:
            self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._check)


class DisconnectWatcher:
    """Context manager that cancels its block when the client disconnects.

    Raises RequestTooSlow when the client stops sending its body, UpstreamSlow when the upstream stops reading
    it.
    """

    def __init__(self, watch: Watch, receive: Receive, body: IncomingBody) -> None:
        self._watch, self._receive, self._body = watch, receive, body
        self._serving = asyncio.current_task()
        self._waiting: asyncio.Task[None] | None = None
        self._failure: ServiceError | None = None
        self._cancelled = False

    def __enter__(self) -> None:
        self._watch.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self._watch.discard(self)
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

    def check(self) -> bool:
        """Returns whether to check again."""
        if self._body.finished:
            self._waiting = asyncio.create_task(self._wait_for_disconnect())
        elif self._body.is_late:
            self._cancel(RequestTooSlow())
        elif self._body.is_stalled:
            # The HTTP client's own timeout starts only after the body is sent.
            self._cancel(UpstreamSlow())
        else:
            # The body's reader receives a disconnect itself; two readers would take each other's messages.
            return True
        return False

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel(None)

    def _cancel(self, failure: ServiceError | None) -> None:
        self._failure, self._cancelled = failure, True
        if self._serving is not None:
            self._serving.cancel()
