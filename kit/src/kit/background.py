"""Loops that run beside the requests for as long as a service lives."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine


@contextlib.asynccontextmanager
async def running(*loops: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run the loops until the block ends, then end them, the last first: a loop may need those before it."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
