"""Reading of a clean CSV file, with all its checks, against pyarrow's own reader in the same process."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pyarrow.csv as pa_csv

from bench.environment import BenchEnvironment
from bench.results import Measure, Target
from bench.tables import wide_table
from ml_service.learning.tables import read_table

WIDE_ROWS = 366_500
ROUNDS = 15
MEGABYTE = 10**6
TARGET = Target(at_most=1.5)


class Times(NamedTuple):
    processor: float
    clock: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of processors, which have a target, and by the clock, which depend on how many are idle."""

    processor: Measure
    clock: Measure


def measure_reading(_: BenchEnvironment) -> Iterator[Measure]:
    with TemporaryDirectory() as folder:
        compared = compare_readers(write_wide_table(Path(folder)))
    yield from (compared.processor, compared.clock)


def write_wide_table(folder: Path) -> Path:
    """A file of 46 MB: twelve columns of numbers, two labels."""
    path = folder / "wide.csv"
    wide_table(WIDE_ROWS).to_csv(path, index=False)
    return path


def compare_readers(path: Path) -> Comparison:
    """The medians of each reader's times, measured in turns, so that other work disturbs both."""
    ours: list[Times] = []
    pyarrow: list[Times] = []
    for _ in range(ROUNDS):
        pyarrow.append(_time(lambda: pa_csv.read_csv(path)))
        ours.append(_time(lambda: read_table(path)))
    name = f"read_table, {path.stat().st_size / MEGABYTE:.1f} MB"
    own, other = _medians(ours), _medians(pyarrow)
    return Comparison(
        Measure(f"{name}, of processors", own.processor, "s", other.processor, "s pyarrow", TARGET),
        Measure(name, own.clock, "s", other.clock, "s pyarrow"),
    )


def _medians(times: Sequence[Times]) -> Times:
    return Times(median(each.processor for each in times), median(each.clock for each in times))


def _time(read: Callable[[], object]) -> Times:
    clock, processor = time.perf_counter(), time.process_time()
    read()
    return Times(time.process_time() - processor, time.perf_counter() - clock)
