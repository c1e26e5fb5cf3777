"""Process pool to read and write files: the event loop stays free, and the memory is returned.

A process starts with the first call, takes further ones, and ends when it has had none for a while.
"""

import asyncio
import contextlib
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import IO, TypeVar, TypeVarTuple, cast

from anyio import CapacityLimiter, to_thread

from kit.deadlines import remaining_seconds
from kit.disconnects import while_connected
from kit.errors import DeadlinePassed, ServiceError
from kit.identity import UserId
from ml_service.store.errors import ReaderDied, ReaderTimedOut
from ml_service.store.fair_slots import FairSlots

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

CALL_SECONDS = 60.0
# A call in the queue is a few objects; the limits bound how long the last one waits.
WAITING_PER_USER, WAITING = 16, 200
# A process is ready in 0.3 s. While it is idle, it occupies 75 MB, and 250 MB after an export.
IDLE_SECONDS = 15.0
# A table of 200 MB in cells of one letter needs 2.4 GB of address space for data, and 1.4 GB of memory.
MOST_BYTES = 3 * 1024**3
COMMAND = [sys.executable, "-P", "-m", "ml_service.store.reader_process", str(MOST_BYTES)]


class ProcessPool:
    """Limits the number of processes; each is started on demand. Pools can share idle ones.

    Users take turns, and one user runs on at most all processes but one.
    """

    def __init__(
        self,
        size: int,
        idle: "IdleProcesses | None" = None,
        *,
        seconds: float = CALL_SECONDS,
        waiting_per_user: int = WAITING_PER_USER,
        waiting: int = WAITING,
    ) -> None:
        """`seconds` is the time limit of a call; `waiting` and `waiting_per_user` bound the queue."""
        self._slots, self._threads = FairSlots(size, waiting_per_user, waiting), CapacityLimiter(size)
        self._idle, self._seconds = idle or IdleProcesses(), seconds

    async def run(
        self,
        work: Callable[[*Arguments], Result],
        *arguments: *Arguments,
        user: UserId,
        seconds: float | None = None,
    ) -> Result:
        """Raises the errors of `work`, and POOL_ERRORS.

        The process is killed by a cancellation, when `seconds` or the request's deadline have passed, and
        when the client of the request disconnects.
        """
        call = self._call(work, arguments, user, self._seconds if seconds is None else seconds)
        return cast("Result", await while_connected(call))

    async def _call(
        self, work: Callable[..., object], arguments: tuple[object, ...], user: UserId, seconds: float
    ) -> object:
        async with (
            within(remaining_seconds(), DeadlinePassed()),
            self._slots.slot(user),
            within(seconds, ReaderTimedOut(seconds)),
        ):
            succeeded, value = await self._run((work, arguments))
        if isinstance(value, MemoryError):
            raise ReaderDied from value
        if not succeeded:
            raise cast("BaseException", value)
        return value

    async def _run(self, call: object) -> tuple[bool, object]:
        process = self._idle.take() or ReaderProcess()
        try:
            outcome = await to_thread.run_sync(
                process.run, call, limiter=self._threads, abandon_on_cancel=True
            )
        except BaseException:
            process.end()
            raise
        if isinstance(outcome[1], MemoryError):
            # What it still holds of the file would leave less for the next one.
            process.end()
        else:
            self._idle.add(process)
        return outcome


@contextlib.asynccontextmanager
async def within(seconds: float | None, error: ServiceError) -> AsyncGenerator[None]:
    """Raise the error if the block takes longer."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise error from None


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

    async def run(self) -> None:
        """Wait for the cancellation at shutdown, and end the processes that are idle then."""
        try:
            await asyncio.Event().wait()
        finally:
            _end_all(self._endings)

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

    def run(self, call: object) -> tuple[bool, object]:
        """Whether the call succeeded, and its result or error; raises ReaderDied."""
        packed = pickle.dumps(call)
        try:
            self._send(packed)
            succeeded, value = pickle.load(self._outcomes)  # noqa: S301 - from our own process
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise ReaderDied from error
        return succeeded, pickle.loads(value)  # noqa: S301 - as above

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the process; wait for its end elsewhere, since a read from a dead network disk may not end."""
        self._process.kill()
        # While the interpreter ends, threads cannot be started any more, and nothing needs to be closed.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._clean_up, daemon=True).start()

    def _clean_up(self) -> None:
        self._process.wait()
        for pipe in (self._calls, self._outcomes):
            with contextlib.suppress(OSError):
                pipe.close()

    def _send(self, value: object) -> None:
        pickle.dump(value, self._calls)
        self._calls.flush()


def _end_idle(endings: dict[ReaderProcess, asyncio.TimerHandle], process: ReaderProcess) -> None:
    del endings[process]
    process.end()


def _end_all(endings: dict[ReaderProcess, asyncio.TimerHandle]) -> None:
    while endings:
        process, ending = endings.popitem()
        ending.cancel()
        process.end()
