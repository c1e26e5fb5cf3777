"""Process pool for reading and writing files: the event loop stays free, and memory is given back."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from ml_service.errors import ReaderDied

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class ProcessPool:
    """A bounded number of processes, each started when it is first needed."""

    def __init__(self, size: int) -> None:
        self._limiter = CapacityLimiter(size)

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Raises what `work` raises, or ReaderDied; cancelling the call ends the process."""
        try:
            return await to_process.run_sync(work, *arguments, limiter=self._limiter, cancellable=True)
        except BrokenWorkerProcess as error:
            raise ReaderDied from error
