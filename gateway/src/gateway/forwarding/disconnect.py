"""Cancellation of a proxied request when its client disconnects or its upstream stops reading."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from starlette.types import Receive

from gateway.admission.body import IncomingBody
from gateway.errors import UpstreamSlow

# A watcher costs a task, so it starts only when the response takes longer than this.
WATCH_AFTER_SECONDS = 0.1


@contextmanager
def cancel_on_disconnect(receive: Receive, body: IncomingBody) -> Generator[None]:
    """Cancel the block when the client disconnects; raises UpstreamSlow when the upstream stops reading."""
    watcher = DisconnectWatcher(receive, body)
    watcher.start()
    try:
        yield
    except asyncio.CancelledError:
        if watcher.stalled:
            raise UpstreamSlow from None
        if not watcher.disconnected:
            raise
    finally:
        watcher.stop()


class DisconnectWatcher:
    def __init__(self, receive: Receive, body: IncomingBody) -> None:
        self._receive, self._body = receive, body
        self._loop = asyncio.get_running_loop()
        self._serving = asyncio.current_task()
        self._waiting: asyncio.Task[None] | None = None
        self.disconnected = self.stalled = False

    def start(self) -> None:
        self._timer = self._loop.call_later(WATCH_AFTER_SECONDS, self._check)

    def stop(self) -> None:
        self._timer.cancel()
        if self._waiting is not None:
            self._waiting.cancel()
        if (self.disconnected or self.stalled) and self._serving is not None:
            self._serving.uncancel()

    def _check(self) -> None:
        if self._body.finished:
            self._waiting = self._loop.create_task(self._wait_for_disconnect())
        elif self._body.is_stalled:
            # The HTTP client's own timeout starts only after the body is sent.
            self.stalled = True
            self._cancel()
        else:
            # The body's reader receives a disconnect itself; two readers would take each other's messages.
            self.start()

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.disconnected = True
        self._cancel()

    def _cancel(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
