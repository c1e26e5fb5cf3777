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
def measure_peaks(memories: Sequence[Memory]) -> Generator[None]:
    """Sample the memory of these processes for the duration of the block."""
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for memory in memories:
                with contextlib.suppress(psutil.NoSuchProcess):
                    memory.peak = max(memory.peak, memory.process.memory_info().rss)

    for memory in memories:
        memory.before = memory.peak = memory.process.memory_info().rss
    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
