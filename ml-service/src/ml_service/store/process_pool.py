"""Process pool to read and write files: the event loop stays free, and the memory is returned."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from ml_service.errors import ReaderDied

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class ProcessPool:
    """Limits the number of processes; each is started on demand."""

    def __init__(self, size: int) -> None:
        self._limiter = CapacityLimiter(size)

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Raises the errors of `work`, or ReaderDied; a cancellation kills the process."""
        try:
            return await to_process.run_sync(work, *arguments, limiter=self._limiter, cancellable=True)
        except BrokenWorkerProcess as error:
            raise ReaderDied from error
