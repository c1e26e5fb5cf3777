"""Training over HTTP against a plain script, each as a process, and memory during an upload."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from bench.environment import BenchEnvironment, Books, checked_books
from bench.memory import Memory, measure_peaks
from bench.results import Measure, Target
from bench.tables import MIXED_FEATURES, WIDE_FEATURES, label_of, mixed_table, wide_table

WIDE_ROWS, FOREST_ROWS = 366_500, 20_000
MEGABYTE, MEBIBYTE = 10**6, 2**20
SMALL_ROWS = 1000
GROWTH_TARGET = Target(at_most=1)


@dataclass(frozen=True)
class Case:
    """`rounds` are taken in turns by script and stack; the best of each counts."""

    model_type: str
    features: list[str]
    rounds: int
    target: Target


CASES = (
    Case("linear", WIDE_FEATURES, 3, Target(at_most=0.5)),
    Case("logistic", WIDE_FEATURES, 3, Target(at_most=0.6)),
    Case("random_forest", MIXED_FEATURES, 2, Target(at_most=0.6)),
)


def measure_training(environment: BenchEnvironment) -> Iterator[Measure]:
    with TemporaryDirectory() as folder, checked_books(environment) as books:
        for case in CASES:
            yield _measure_case(environment, books, case, _write_table(Path(folder), case.features))


def _measure_case(environment: BenchEnvironment, books: Books, case: Case, csv: Path) -> Measure:
    scripts: list[float] = []
    trainings: list[float] = []
    for _ in range(case.rounds):
        # A file that its user already stores would not be parsed again.
        headers = _authorization(environment)
        scripts.append(_time(partial(_run_script, csv, case)))
        trainings.append(_time(partial(_train, environment, csv, case, headers)))
    books.count("train", case.rounds)
    name = f"{case.model_type}, {csv.stat().st_size / MEGABYTE:.1f} MB"
    return Measure(name, min(trainings), "s", min(scripts), "s plain script", case.target)


def measure_upload(environment: BenchEnvironment) -> Iterator[Measure]:
    """Growth of resident memory of gateway and ml-service while a file is uploaded as a dataset."""
    headers = _authorization(environment)
    with TemporaryDirectory() as folder, checked_books(environment):
        csv = _write_table(Path(folder), WIDE_FEATURES)
        small = csv.with_name("small.csv")
        pd.read_csv(csv, nrows=SMALL_ROWS).to_csv(small, index=False)
        _upload(environment, small, headers)  # so that memory loaded by a first request does not count
        memories = {name: Memory(environment.process(name)) for name in ("gateway", "ml")}
        with measure_peaks(list(memories.values())):
            _upload(environment, csv, headers)
        for name, memory in memories.items():
            yield Measure(f"{name}, resident before", memory.before / MEBIBYTE, "MiB")
            yield Measure(f"{name}, growth", memory.growth / MEBIBYTE, "MiB", target=GROWTH_TARGET)


def _write_table(folder: Path, features: list[str]) -> Path:
    is_wide = features is WIDE_FEATURES
    path = folder / ("wide.csv" if is_wide else "mixed.csv")
    if not path.exists():
        table = wide_table(WIDE_ROWS) if is_wide else mixed_table(FOREST_ROWS)
        table.to_csv(path, index=False)
    return path


def _time(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _run_script(csv: Path, case: Case) -> None:
    arguments = [str(csv), case.model_type, label_of(case.model_type), str(csv.with_name("script.joblib"))]
    subprocess.run([sys.executable, "-m", "bench.plain_script", *arguments], check=True)  # noqa: S603 - our own


def _train(environment: BenchEnvironment, csv: Path, case: Case, headers: dict[str, str]) -> None:
    form = {
        "model_type": case.model_type,
        "feature_cols": json.dumps(case.features),
        "label_col": label_of(case.model_type),
    }
    with csv.open("rb") as file:
        response = environment.client.post("/create", data=form, files={"csv_file": file}, headers=headers)
    response.raise_for_status()


def _upload(environment: BenchEnvironment, csv: Path, headers: dict[str, str]) -> None:
    with csv.open("rb") as file:
        environment.client.post("/v1/datasets", files={"file": file}, headers=headers).raise_for_status()


def _authorization(environment: BenchEnvironment) -> dict[str, str]:
    """Without the content type, which depends on the form."""
    return {"Authorization": environment.new_user()["Authorization"]}
