"""Reading of a clean CSV file, with all its checks, against pyarrow's own reader in the same process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.csv as pa_csv

from bench.environment import BenchEnvironment
from bench.results import Measure, Target
from bench.tables import wide_table
from ml_service.learning.tables import read_table

WIDE_ROWS = 366_500
ROUNDS = 5
MEGABYTE = 10**6
TARGET = Target(at_most=1.5)


def measure_reading(_: BenchEnvironment) -> Iterator[Measure]:
    with TemporaryDirectory() as folder:
        yield compare_readers(write_wide_table(Path(folder)))


def write_wide_table(folder: Path) -> Path:
    """A file of 46 MB: twelve columns of numbers, two labels."""
    path = folder / "wide.csv"
    wide_table(WIDE_ROWS).to_csv(path, index=False)
    return path


def compare_readers(path: Path) -> Measure:
    """The best time of each reader, measured in turns, so that other work disturbs both."""
    ours: list[float] = []
    pyarrow: list[float] = []
    for _ in range(ROUNDS):
        pyarrow.append(_time(lambda: pa_csv.read_csv(path)))
        ours.append(_time(lambda: read_table(path)))
    name = f"read_table, {path.stat().st_size / MEGABYTE:.1f} MB"
    return Measure(name, min(ours), "s", min(pyarrow), "s pyarrow", TARGET)


def _time(read: Callable[[], object]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started
