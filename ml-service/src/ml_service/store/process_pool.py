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
from typing import IO, TypeVar, TypeVarTuple, cast

from anyio import CapacityLimiter, to_thread

from ml_service.errors import ReaderDied

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# A process is ready in 0.3 s. While it is idle, it occupies 75 MB, and 250 MB after an export.
IDLE_SECONDS = 15.0
COMMAND = [sys.executable, "-P", "-m", "ml_service.store.reader_process"]


class ProcessPool:
    """Limits the number of processes; each is started on demand. Pools can share idle ones."""

    def __init__(self, size: int, idle: "IdleProcesses | None" = None) -> None:
        self._slots, self._threads = asyncio.Semaphore(size), CapacityLimiter(size)
        self._idle = idle or IdleProcesses()

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Raises the errors of `work`, or ReaderDied; a cancellation kills the process."""
        call = pickle.dumps((work, arguments))
        async with self._slots:
            process = self._idle.take() or ReaderProcess()
            try:
                outcome = await to_thread.run_sync(
                    process.run, call, limiter=self._threads, abandon_on_cancel=True
                )
            except BaseException:
                process.end()
                raise
            self._idle.add(process)
        succeeded, value = outcome[0], pickle.loads(outcome[1])  # noqa: S301 - from our own process
        if not succeeded:
            raise value
        return value


class IdleProcesses:
    """Processes without a call; each is ended after a while."""

    def __init__(self, seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._endings: dict[ReaderProcess, asyncio.TimerHandle] = {}
        weakref.finalize(self, _end_all, self._endings)

    def take(self) -> "ReaderProcess | None":
        while self._endings:
            process, ending = self._endings.popitem()
            ending.cancel()
            if process.is_alive():
                return process
            process.end()
        return None

    def add(self, process: "ReaderProcess") -> None:
        loop = asyncio.get_running_loop()
        self._endings[process] = loop.call_later(self._seconds, _end_idle, self._endings, process)


class ReaderProcess:
    """A process that runs one call at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own command
        self._calls = cast("IO[bytes]", self._process.stdin)
        self._outcomes = cast("IO[bytes]", self._process.stdout)
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


def _end_idle(endings: dict[ReaderProcess, asyncio.TimerHandle], process: ReaderProcess) -> None:
    del endings[process]
    process.end()


def _end_all(endings: dict[ReaderProcess, asyncio.TimerHandle]) -> None:
    while endings:
        endings.popitem()[0].end()
