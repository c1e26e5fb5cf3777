"""Background tasks: loops that run for the lifetime of a service."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from typing import Generic, TypeVar

import structlog

from kit.outages import describe_outage

CANCEL_AGAIN_SECONDS = 15.0

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

log = structlog.stdlib.get_logger()


@contextlib.asynccontextmanager
async def background_tasks(*loops: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run the loops until the block ends, then cancel them in reverse, since a loop may need earlier ones."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in reversed(tasks):
            await _cancel(task)


async def every(
    seconds: float,
    step: Callable[[], Awaitable[object]],
    *,
    failure: str,
    wake: asyncio.Event | None = None,
    longest_backoff: float | None = None,
) -> None:
    """Run `step` immediately, then every `seconds` or as soon as `wake` is set, until cancelled.

    An error is logged as `failure`, and the next round tries again, so a loop survives every outage.
    With `longest_backoff` the pause doubles with each failure, up to that many seconds.
    """
    wake = wake or asyncio.Event()
    pause = seconds
    while True:
        try:
            await step()
            pause = seconds
        except Exception as error:
            log.warning(failure, error=type(error).__name__, outage=describe_outage(error))
            if longest_backoff is not None:
                pause = min(pause * 2, longest_backoff)
        await wait_for_event(wake, pause)


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most this long, then clear it for the next wait.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that arrives just as the event is set, so the
    waiting loop would never end.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


class SingleFlight(Generic[Key, Result]):
    """Share one running call between all callers with the same key."""

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Result]] = {}

    async def run(self, key: Key, call: Callable[[], Coroutine[None, None, Result]]) -> Result:
        """The result of the running call for `key`, or of a new one; raises what it raises."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(call())
            task.add_done_callback(lambda done: self._remove(key, done))
        # A cancelled caller must not cancel the call for the others.
        return await asyncio.shield(task)

    def is_running(self, key: Key) -> bool:
        return key in self._running

    def forget(self, key: Key) -> None:
        """Let the next caller start a new call; current callers still receive the running call's result."""
        self._running.pop(key, None)

    def _remove(self, key: Key, done: "asyncio.Task[Result]") -> None:
        if self._running.get(key) is done:
            del self._running[key]


async def _cancel(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()
        # Cancel again in case a library lost the cancellation, as `asyncio.wait_for` does.
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
