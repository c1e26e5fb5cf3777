"""Resident memory of processes during a block."""

import contextlib
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.02


@dataclass
class Memory:
    """Resident bytes of one process: before the block, and the peak during it."""

    process: psutil.Process
    before: int = 0
    peak: int = 0

    @property
    def growth(self) -> int:
        return self.peak - self.before


@contextmanager
def watching(watched: Sequence[Memory]) -> Generator[None]:
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for each in watched:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.peak = max(each.peak, each.process.memory_info().rss)

    for each in watched:
        each.before = each.peak = each.process.memory_info().rss
    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
