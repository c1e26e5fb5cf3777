"""The stack itself: time to start, and memory of all its processes."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

from bench.environment import BenchEnvironment
from bench.results import Measure, Target

IDLE_SECONDS = 3
MEGABYTE, KIBIBYTE = 10**6, 2**10
START_TARGET, MEMORY_TARGET = Target(at_most=10), Target(at_most=900)
PROPORTIONAL_SIZE = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def measure_start(environment: BenchEnvironment) -> Iterator[Measure]:
    """Time from an empty folder to ready, creation of the database included, and memory after it."""
    yield Measure("start in an empty folder", environment.start_seconds, "s", target=START_TARGET)
    time.sleep(IDLE_SECONDS)
    yield _memory(environment, "idle")


def measure_memory(environment: BenchEnvironment) -> Iterator[Measure]:
    yield _memory(environment, "after the parts before")


def _memory(environment: BenchEnvironment, state: str) -> Measure:
    sizes = [_proportional_size(process.pid) for process in environment.processes()]
    name = f"memory {state}, {len(sizes)} processes"
    return Measure(name, sum(sizes) / MEGABYTE, "MB", target=MEMORY_TARGET)


def _proportional_size(pid: int) -> int:
    """Bytes of a process, with shared pages divided by the processes that share them; Linux only."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0
    match = PROPORTIONAL_SIZE.search(rollup)
    return int(match[1]) * KIBIBYTE if match else 0
