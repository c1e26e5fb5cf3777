"""Metered predictions through the whole stack against in-process `pipeline.predict` of the same model."""

import hashlib
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from bench.environment import BenchEnvironment, Books, checked_books
from bench.load import Outcome, Request, drive
from bench.results import Measure, Target
from bench.tables import MIXED_FEATURES, label_of, mixed_table
from ml_service.learning.predictors import load_pipeline

ROWS = 600
SECONDS = 4.0
ROUNDS = 2
IN_PROCESS_CALLS = 100
WARM_UP_SECONDS = 1.0
PARAMETERS = {
    "linear": {},
    "logistic": {},
    "knn": {},
    "random_forest": {"n_estimators": 100},
    "gradient_boosting": {"max_iter": 100},
}
LOADED_MODEL = "random_forest"
RATE_TARGETS = {16: Target(at_least=14), 64: Target(at_least=20)}
P50_TARGET = Target(at_most=1)
GATEWAY_TARGET = Target(at_most=0.5)
# A route that is forwarded without a charge.
PLAIN_ROUTE = "/v1/model-types"


@dataclass
class InProcess:
    """One caller, one row a call, no metering; measured before and after the stack."""

    pipeline: Any  # Any: a scikit-learn pipeline
    row: pd.DataFrame
    seconds: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    def measure(self) -> None:
        for _ in range(IN_PROCESS_CALLS):
            started = time.perf_counter()
            self.pipeline.predict(self.row)
            self.seconds.append(time.perf_counter() - started)


@dataclass(frozen=True)
class TrainedModel:
    name: str
    headers: dict[str, str]
    in_process: InProcess

    def request(self, address: str) -> Request:
        cells = orjson.loads(self.in_process.row.to_json(orient="records"))[0]
        body = orjson.dumps({"features": cells}).decode()
        return Request("POST", f"{address}/v1/models/{self.name}/predict", self.headers, body)


def measure_predictions(environment: BenchEnvironment) -> Iterator[Measure]:
    with checked_books(environment) as books:
        for model_type in PARAMETERS:
            yield from _measure_type(environment, books, model_type)


def _measure_type(environment: BenchEnvironment, books: Books, model_type: str) -> Iterator[Measure]:
    model = train(environment, books, model_type)
    request = model.request(environment.url("gateway"))
    _drive(books, request, 1, WARM_UP_SECONDS)
    model.in_process.measure()
    p50 = statistics.median(_drive(books, request, 1).p50 for _ in range(ROUNDS))
    counts = RATE_TARGETS if model_type == LOADED_MODEL else []
    loads = [_measure_load(environment, books, request, connections) for connections in counts]
    model.in_process.measure()
    in_process = model.in_process.p50
    reference = (in_process * 1000, "ms in process")
    yield Measure(f"{model_type}, p50 at 1 connection", p50 * 1000, "ms", *reference, P50_TARGET)
    for load in loads:
        yield from load.measures(1 / in_process)


@dataclass(frozen=True)
class Load:
    """Outcomes at one number of connections, and processor time (CPU) of an answer by process."""

    connections: int
    outcomes: list[Outcome]
    processor_seconds: dict[str, float]

    def measures(self, in_process_rate: float) -> Iterator[Measure]:
        name = f"{LOADED_MODEL}, {self.connections} connections"
        rate = statistics.median(outcome.rate for outcome in self.outcomes)
        target = RATE_TARGETS[self.connections]
        yield Measure(name, rate, "/s", in_process_rate, "/s in process", target)
        for percentile in ("p50", "p99"):
            latency = statistics.median(getattr(outcome, percentile) for outcome in self.outcomes)
            yield Measure(f"{name}, {percentile}", latency * 1000, "ms")
        for process, seconds in self.processor_seconds.items():
            yield Measure(f"{name}, {process}", seconds * 1000, "ms CPU")
        yield Measure(f"{name}, all", sum(self.processor_seconds.values()) * 1000, "ms CPU")


def _measure_load(environment: BenchEnvironment, books: Books, request: Request, connections: int) -> Load:
    _drive(books, request, connections, WARM_UP_SECONDS)
    before = environment.processor_seconds()
    outcomes = [_drive(books, request, connections) for _ in range(ROUNDS)]
    after = environment.processor_seconds()
    answers = sum(outcome.answers for outcome in outcomes)
    return Load(connections, outcomes, {name: (after[name] - before[name]) / answers for name in after})


def measure_gateway(environment: BenchEnvironment) -> Iterator[Measure]:
    """The median latency that the gateway adds, at one connection."""
    with checked_books(environment) as books:
        model = train(environment, books, "linear")
        direct, proxied = environment.url("ml"), environment.url("gateway")
        for name, requests in {
            "prediction": [model.request(address) for address in (direct, proxied)],
            PLAIN_ROUTE: [
                Request("GET", address + PLAIN_ROUTE, model.headers) for address in (direct, proxied)
            ],
        }.items():
            latencies: list[list[float]] = [[], []]
            for _ in range(ROUNDS):
                for request, own in zip(requests, latencies, strict=True):
                    outcome = drive(request, 1, SECONDS / ROUNDS)
                    own.append(outcome.p50)
                    if name == "prediction":
                        books.count("predict", outcome.answers)
            without, through = map(statistics.median, latencies)
            yield Measure(f"{name}, directly, p50", without * 1000, "ms")
            yield Measure(
                f"{name}, added by the gateway", (through - without) * 1000, "ms", target=GATEWAY_TARGET
            )


def train(environment: BenchEnvironment, books: Books, model_type: str) -> TrainedModel:
    table, headers = mixed_table(ROWS), environment.new_user()
    form = {
        "model_type": model_type,
        "feature_cols": json.dumps(MIXED_FEATURES),
        "label_col": label_of(model_type),
        "optional_params": json.dumps(PARAMETERS[model_type]),
    }
    file = {"csv_file": ("table.csv", table.to_csv(index=False).encode(), "text/csv")}
    authorization = {"Authorization": headers["Authorization"]}
    response = environment.client.post("/create", data=form, files=file, headers=authorization)
    name = response.raise_for_status().json()["model_name"]
    books.count("train")
    pipeline = _newest_pipeline(environment.stack.home.store)
    return TrainedModel(name, headers, InProcess(pipeline, table.iloc[[0]][MIXED_FEATURES]))


def _drive(books: Books, request: Request, connections: int, seconds: float = SECONDS) -> Outcome:
    outcome = drive(request, connections, seconds)
    books.count("predict", outcome.answers)
    return outcome


def _newest_pipeline(store: Path) -> Any:  # Any: a scikit-learn pipeline
    newest = max(store.rglob("pipeline.joblib"), key=lambda path: path.stat().st_mtime)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in newest.parent.iterdir()}
    return load_pipeline(newest.parent, digests)
