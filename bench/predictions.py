"""Metered predictions through the whole stack against in-process `pipeline.predict`."""

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import joblib
import orjson
import pandas as pd

from bench.environment import BenchEnvironment
from bench.load import Outcome, Request, drive

DATA = Path(__file__).parents[1] / "data"
CONNECTIONS = (1, 16, 64)
SECONDS = 4.0
FEATURES = 9
IN_PROCESS_CALLS = 200


@dataclass(frozen=True)
class Case:
    model_type: str
    table: str
    params: dict[str, int]


CASES = (
    Case("linear", "diabetes", {}),
    Case("logistic", "wine", {}),
    Case("knn", "diabetes", {}),
    Case("random_forest", "diabetes", {"n_estimators": 100}),
    Case("gradient_boosting", "diabetes", {"max_iter": 100}),
)


@dataclass(frozen=True)
class InProcess:
    """One caller, one row per call, no metering."""

    p50: float

    @property
    def rate(self) -> float:
        return 1 / self.p50


async def measure(environment: BenchEnvironment, case: Case) -> tuple[InProcess, dict[int, Outcome]]:
    """The in-process figures, and the stack's by number of connections."""
    table = pd.read_csv(DATA / f"{case.table}.csv")
    features = list(table.columns[:FEATURES])
    headers = environment.new_user()
    name = _train(environment, case, features, headers)
    row = table.iloc[[0]][features]
    body = orjson.dumps({"features": row.to_dict("records")[0]}, option=orjson.OPT_SERIALIZE_NUMPY)
    request = Request(
        "POST",
        f"{environment.url('gateway')}/predict/{name}",
        {**headers, "Content-Type": "application/json"},
        body,
    )
    in_process = _measure_in_process(environment.stack.home.store, row)
    outcomes = {
        connections: await drive(lambda _n: request, connections, SECONDS) for connections in CONNECTIONS
    }
    return in_process, outcomes


def _train(environment: BenchEnvironment, case: Case, features: list[str], headers: dict[str, str]) -> str:
    form = {
        "model_type": case.model_type,
        "feature_cols": json.dumps(features),
        "label_col": "target",
        "optional_params": json.dumps(case.params),
    }
    file = {"csv_file": (f"{case.table}.csv", (DATA / f"{case.table}.csv").read_bytes(), "text/csv")}
    response = environment.client.post("/create", data=form, files=file, headers=headers).raise_for_status()
    return response.json()["model_name"]


def _measure_in_process(store: Path, row: pd.DataFrame) -> InProcess:
    newest = max(store.rglob("pipeline.joblib"), key=lambda path: path.stat().st_mtime)
    pipeline = joblib.load(newest)
    seconds: list[float] = []
    for _ in range(IN_PROCESS_CALLS):
        started = time.perf_counter()
        pipeline.predict(row)
        seconds.append(time.perf_counter() - started)
    return InProcess(statistics.median(seconds))
