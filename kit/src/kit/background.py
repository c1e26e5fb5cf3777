"""Background tasks: loops that run beside the requests for as long as a service lives."""

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
    """Run the loops until the block ends, then cancel them in reverse: a loop may need those before it."""
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
    """Run `step` now and then every so many seconds, or as soon as `wake` is set, until cancelled.

    A step that raises is logged as `failure`, and the next round tries again: a loop outlives every outage.
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
    """Wait until the event is set or this long, then clear it for the next wait.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that arrives just as the event is set, and the
    loop that waited goes on for ever.
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
        # A caller that goes away must not cancel the call of the others.
        return await asyncio.shield(task)

    def is_running(self, key: Key) -> bool:
        return key in self._running

    def forget(self, key: Key) -> None:
        """Let the next caller start a new call; the callers of the running one still receive its result."""
        self._running.pop(key, None)

    def _remove(self, key: Key, done: "asyncio.Task[Result]") -> None:
        if self._running.get(key) is done:
            del self._running[key]


async def _cancel(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()
        # Once is enough, unless a library lost the cancellation as above.
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
