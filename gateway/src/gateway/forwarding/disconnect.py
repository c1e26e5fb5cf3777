"""Ends the work for a client that has gone, or with a service that takes no more of a body."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from gateway.admission.body import IncomingBody
from gateway.errors import UpstreamSlow

WATCH_AFTER = 0.1


class WhileClientStays:
    """Cancels the block when the client disconnects; raises UpstreamSlow when nobody takes its body.

    Watching takes a task, so it starts only when the answer is not there at once.
    """

    def __init__(self, receive: Receive, body: IncomingBody) -> None:
        self._receive, self._body = receive, body
        self._loop = asyncio.get_running_loop()
        self._watch: asyncio.Task[None] | None = None
        self._left = self._stalled = False

    def __enter__(self) -> None:
        self._serving = asyncio.current_task()
        self._timer = self._loop.call_later(WATCH_AFTER, self._start)

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if not (self._left or self._stalled):
            return False
        if self._serving is not None:
            self._serving.uncancel()
        if self._stalled and kind is asyncio.CancelledError:
            raise UpstreamSlow
        return kind is asyncio.CancelledError

    def _start(self) -> None:
        if self._body.finished:
            self._watch = self._loop.create_task(self._wait_for_departure())
        elif self._body.is_left_untaken:
            # The HTTP client's own patience begins when the body is sent.
            self._stalled = True
            self._cancel()
        else:
            # The body's own reader hears of a disconnect; two readers would steal from each other.
            self._timer = self._loop.call_later(WATCH_AFTER, self._start)

    async def _wait_for_departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._cancel()

    def _cancel(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
