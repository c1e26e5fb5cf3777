"""Processes that a killed supervisor left behind."""

import contextlib
from collections.abc import Iterator

import psutil

from local.home import Home
from local.supervisor import MARK

GRACE_SECONDS = 10


def end_leftovers(home: Home) -> int:
    """End every process of this stack, gently at first; how many there were."""
    found = list(processes_of(home))
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=GRACE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    return len(found)


def processes_of(home: Home) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(home.root):
                yield process
