"""Loops that run beside the requests for as long as a service lives."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine

ENDING_SECONDS = 15.0


@contextlib.asynccontextmanager
async def running(*loops: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run the loops until the block ends, then end them, the last first: a loop may need those before it."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in reversed(tasks):
            await _end(task)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or this long; then it is unset, for the next wait.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that comes just as the event is set, and the
    loop that waited goes on for ever.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


async def _end(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()
        # Once is enough, unless a library lost it as above.
        await asyncio.wait([task], timeout=ENDING_SECONDS)
