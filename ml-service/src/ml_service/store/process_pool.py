"""Process pool to read and write files: the event loop stays free, and the memory is returned.

A process starts with the first call, takes further ones, and ends when it has had none for a while.
"""

import asyncio
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from ml_service.errors import ReaderDied

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# A process is ready in 0.3 s. While it is idle, it occupies 75 MB, and 250 MB after an export.
IDLE_SECONDS = 15.0
COMMAND = [sys.executable, "-P", "-m", "ml_service.store.reader_process"]


class ProcessPool:
    """Limits the number of processes; each is started on demand."""

    def __init__(self, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._slots, self._threads = asyncio.Semaphore(size), CapacityLimiter(size)
        self._idle_seconds = idle_seconds
        self._idle: dict[ReaderProcess, asyncio.TimerHandle] = {}
        weakref.finalize(self, _end_all, self._idle)

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Raises the errors of `work`, or ReaderDied; a cancellation kills the process."""
        call = pickle.dumps((work, arguments))
        async with self._slots:
            process = self._take_idle() or ReaderProcess()
            try:
                outcome = await to_thread.run_sync(
                    process.run, call, limiter=self._threads, abandon_on_cancel=True
                )
            except BaseException:
                process.end()
                raise
            self._keep(process)
        succeeded, value = outcome[0], pickle.loads(outcome[1])  # noqa: S301 - from our own process
        if not succeeded:
            raise value
        return value

    def _take_idle(self) -> "ReaderProcess | None":
        while self._idle:
            process, ending = self._idle.popitem()
            ending.cancel()
            if process.is_alive():
                return process
            process.end()
        return None

    def _keep(self, process: "ReaderProcess") -> None:
        loop = asyncio.get_running_loop()
        self._idle[process] = loop.call_later(self._idle_seconds, _end_idle, self._idle, process)


class ReaderProcess:
    """A process that runs one call at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own command
        assert self._process.stdin is not None and self._process.stdout is not None
        self._calls, self._outcomes = self._process.stdin, self._process.stdout
        self._send(sys.path)

    def run(self, call: bytes) -> tuple[bool, bytes]:
        """Whether the call succeeded, with its pickled result or error; raises ReaderDied."""
        try:
            self._send(call)
            return pickle.load(self._outcomes)  # noqa: S301 - as above
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise ReaderDied from error

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._calls, self._outcomes):
            with suppress(OSError):
                pipe.close()

    def _send(self, value: object) -> None:
        pickle.dump(value, self._calls)
        self._calls.flush()


def _end_idle(idle: dict[ReaderProcess, asyncio.TimerHandle], process: ReaderProcess) -> None:
    del idle[process]
    process.end()


def _end_all(idle: dict[ReaderProcess, asyncio.TimerHandle]) -> None:
    while idle:
        idle.popitem()[0].end()
