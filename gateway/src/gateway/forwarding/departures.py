"""Ends the work for a client that has gone."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from gateway.forwarding.bodies import IncomingBody

WATCH_AFTER = 0.1


class WhileClientStays:
    """Cancels the block when the client disconnects.

    Watching takes a task, so it starts only when the answer is not there at once.
    """

    def __init__(self, receive: Receive, body: IncomingBody) -> None:
        self._receive, self._body = receive, body
        self._loop = asyncio.get_running_loop()
        self._watch: asyncio.Task[None] | None = None
        self._left = False

    def __enter__(self) -> None:
        self._serving = asyncio.current_task()
        self._timer = self._loop.call_later(WATCH_AFTER, self._start)

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if not self._left:
            return False
        if self._serving is not None:
            self._serving.uncancel()
        return kind is asyncio.CancelledError

    def _start(self) -> None:
        if self._body.finished:
            self._watch = self._loop.create_task(self._wait_for_departure())
        else:
            # The body's own reader hears of a disconnect; two readers would steal from each other.
            self._timer = self._loop.call_later(WATCH_AFTER, self._start)

    async def _wait_for_departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._serving is not None:
            self._serving.cancel()
