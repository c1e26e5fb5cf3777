"""Event loop with a virtual clock: waiting takes no time, and equal seeds give equal runs."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Advances its clock to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self._now = 0.0
        # A plain loop has weak references, and would lose a task that waits for what never happens.
        self._tasks = set[asyncio.Task[Any]]()

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:  # Any: asyncio's own types
        task = super().create_task(coro, **options)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Without a timer and without a ready task nothing will ever happen: a deadlock."""
        if timeout is None:
            raise RuntimeError("every task waits for another one")
        self._loop.advance(max(0.0, timeout))
        # Nothing else can be ready: what runs in virtual time has no sockets and no threads.
        return []


def run_in_virtual_time(
    work: Coroutine[Any, Any, Result],
) -> Result:  # Any: the types of a coroutine's own protocol
    """Run the coroutine to its end; tasks that are left over never resume, like those of a killed process."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            # They belong to processes that were killed, so their clean-up must not run.
            task._log_destroy_pending = False  # pyright: ignore
        loop.close()
