"""Threads for operations on the store, which block on disk or network."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

import structlog

from ml_service.store.files import Files

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# Nearly all operations take milliseconds; a disk on a network that is gone never answers.
OPERATION_SECONDS = 60.0
PROBE_SECONDS = 2.0
THREADS_COUNT = 16
# Threads of their own, so that a stuck store stops nothing else.
_THREADS = ThreadPoolExecutor(THREADS_COUNT, "files")

log = structlog.stdlib.get_logger()


async def run_in_thread(
    operation: Callable[[*Arguments], Result], *arguments: *Arguments, seconds: float = OPERATION_SECONDS
) -> Result:
    """Run an operation on the store. Raises TimeoutError if the store does not answer in time."""
    running = asyncio.get_running_loop().run_in_executor(_THREADS, operation, *arguments)
    async with asyncio.timeout(seconds):
        return await running


async def discard(files: Files, *keys: str) -> bool:
    """Delete files that nothing needs; false if one cannot be deleted now, and the sweeper must.

    The deletion goes on if the caller is cancelled, for example because its job has just ended.
    """
    return await asyncio.shield(_discard(files, keys))


async def _discard(files: Files, keys: tuple[str, ...]) -> bool:
    is_done = True
    for key in keys:
        try:
            await run_in_thread(files.delete, key)
        except OSError as error:
            log.warning("file_not_deleted", key=key, error=type(error).__name__)
            is_done = False
    return is_done


class StoreProbe:
    """Whether the store answers; a probe that waits is not started again."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._running: Future[bool] | None = None

    async def check(self) -> None:
        """Raises TimeoutError while the store does not answer, or all threads wait for it.

        An error is an answer: a full or read-only store still serves what is loaded.
        """
        if self._running is None or self._running.done():
            self._running = _THREADS.submit(self._files.exists, "")
        answer = asyncio.wrap_future(self._running)
        await asyncio.wait((answer,), timeout=PROBE_SECONDS)
        if not answer.done():
            raise TimeoutError("The file store does not answer.")
        answer.exception()
