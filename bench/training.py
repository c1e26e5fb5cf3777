"""Training on a 46 MB CSV over HTTP against a plain script, and memory during the upload."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.environment import BenchEnvironment
from bench.memory import Memory, measure_peaks
from bench.plain_script import label_of

COLUMNS = 12
ROWS = 366_500
SEED = 7
ROUNDS = 3


@dataclass(frozen=True)
class Seconds:
    """The best of several rounds, each in its own process or request."""

    script: float
    farebox: float

    @property
    def ratio(self) -> float:
        return self.farebox / self.script


def generate(path: Path) -> int:
    """Write the table and return its size in bytes."""
    random = np.random.default_rng(SEED)
    features = random.normal(size=(ROWS, COLUMNS)).round(6)
    signal = features @ random.normal(size=COLUMNS)
    table = pd.DataFrame(features, columns=[f"feature_{number}" for number in range(COLUMNS)])
    table["label_number"] = (signal + random.normal(size=ROWS)).round(6)
    table["label_class"] = np.where(signal + random.normal(size=ROWS) > 0, "yes", "no")
    table.to_csv(path, index=False)
    return path.stat().st_size


def measure(environment: BenchEnvironment, csv: Path, model_type: str) -> Seconds:
    headers = environment.new_user()
    script = min(_time(lambda: _run_script(csv, model_type)) for _ in range(ROUNDS))
    farebox = min(_time(lambda: _train(environment, csv, model_type, headers)) for _ in range(ROUNDS))
    return Seconds(script, farebox)


def measure_upload(environment: BenchEnvironment, csv: Path) -> dict[str, Memory]:
    """Memory of gateway and ml-service while the file is uploaded as a dataset."""
    headers = environment.new_user()
    small = csv.with_name("small.csv")
    small.write_bytes(csv.read_bytes()[:100_000].rpartition(b"\n")[0])
    _upload(environment, small, headers)  # so that memory loaded by a first request does not count
    memories = {name: Memory(environment.process(name)) for name in ("gateway", "ml")}
    with measure_peaks(list(memories.values())):
        _upload(environment, csv, headers)
    return memories


def _time(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _run_script(csv: Path, model_type: str) -> None:
    command = [
        sys.executable,
        "-m",
        "bench.plain_script",
        str(csv),
        model_type,
        str(csv.with_name("script.joblib")),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own script


def _train(environment: BenchEnvironment, csv: Path, model_type: str, headers: dict[str, str]) -> None:
    features = [f"feature_{number}" for number in range(COLUMNS)]
    form = {
        "model_type": model_type,
        "feature_cols": json.dumps(features),
        "label_col": label_of(model_type),
    }
    with csv.open("rb") as file:
        environment.client.post(
            "/create", data=form, files={"csv_file": file}, headers=headers
        ).raise_for_status()


def _upload(environment: BenchEnvironment, csv: Path, headers: dict[str, str]) -> None:
    with csv.open("rb") as file:
        environment.client.post("/v1/datasets", files={"file": file}, headers=headers).raise_for_status()
