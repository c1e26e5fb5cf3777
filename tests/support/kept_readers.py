"""Reader processes that outlive the service of a test: each takes a second of processor time to start."""

import contextlib
from collections.abc import Iterator

import pytest

from ml_service import container
from ml_service.store.process_pool import IdleProcesses, ReaderProcess

_kept: list[ReaderProcess] = []


class KeptProcesses(IdleProcesses):
    """Idle processes of all services of one run of pytest."""

    def take(self) -> ReaderProcess | None:
        while _kept:
            process = _kept.pop()
            if process.is_alive():
                return process
            process.end()
        return None

    def add(self, process: ReaderProcess) -> None:
        _kept.append(process)


@contextlib.contextmanager
def kept_readers() -> Iterator[None]:
    """Services that are created in this context share their processes with those of other tests.

    The processes end with pytest, which closes their pipes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "IdleProcesses", KeptProcesses)
        yield
