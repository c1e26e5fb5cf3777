"""Processes that read and write files, so that the event loop stays free and memory is given back."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from ml_service.errors import ReaderDied

Arguments = TypeVarTuple("Arguments")
Made = TypeVar("Made")


class Readers:
    """A few of them, started when they are first needed."""

    def __init__(self, at_once: int) -> None:
        self._limiter = CapacityLimiter(at_once)

    async def run(self, work: Callable[[*Arguments], Made], *arguments: *Arguments) -> Made:
        """Raises what the work raises, or ReaderDied; a caller who goes away ends the process."""
        try:
            return await to_process.run_sync(work, *arguments, limiter=self._limiter, cancellable=True)
        except BrokenWorkerProcess as error:
            raise ReaderDied from error
