"""Growth of cost with rows of the ledger, wallets, models, and replicas of services."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx

from bench.charges import CONNECTIONS, HOT_WALLET, WALLETS, charge_request
from bench.environment import BenchEnvironment, Books, checked_books
from bench.load import Request, drive
from bench.predictions import TrainedModel, train
from bench.results import Measure
from bench.tables import MIXED_FEATURES, mixed_table
from local.ports import ADDRESS, free_port
from local.programs import programs_of

SECONDS, WARM_UP_SECONDS, ROUNDS = 4.0, 1.0, 2
FEW_WALLETS = WALLETS[:100]
FILLED, OPERATIONS_PER_CALL, FILLERS, FILL_SECONDS = 1_000_000, 200, 8, 10.0
# For the checkpoint and the vacuum after a million rows.
PAUSE_SECONDS = 20
MODELS, MODEL_ROWS, TRAINERS = 500, 60, 4
START_SECONDS = 60


def measure_rows(environment: BenchEnvironment) -> Iterator[Measure]:
    """Rates with 100 and 10,000 wallets, and with a million transfers more."""
    environment.open_wallets(WALLETS)
    address = environment.url("billing")
    with checked_books(environment) as books:
        requests = [charge_request(environment, address, users) for users in (FEW_WALLETS, WALLETS)]
        few, many = _compare(books, "train", *([request] for request in requests))
        yield Measure("10,000 wallets", many, "/s", few, "/s 100 wallets")
        filled, rate = 0, 0.0
        while filled < FILLED:
            request = charge_request(environment, address, WALLETS, OPERATIONS_PER_CALL)
            outcome = drive(request, FILLERS, FILL_SECONDS)
            filled += outcome.answers * OPERATIONS_PER_CALL
            rate = outcome.rate * OPERATIONS_PER_CALL
        books.count("train", filled)
        yield Measure(f"{OPERATIONS_PER_CALL} charges a request", rate, "charges/s")
        time.sleep(PAUSE_SECONDS)
        (after,) = _compare(books, "train", [charge_request(environment, address, WALLETS)])
        yield Measure(f"10,000 wallets after {filled:,} charges", after, "/s", many, "/s before")


def measure_models(environment: BenchEnvironment) -> Iterator[Measure]:
    with checked_books(environment) as books:
        model = _train_many(environment, books)
        request = model.request(environment.url("gateway"))
        one, many = _compare(
            books, "predict", *([replace(request, numbers=range(count))] for count in (1, MODELS))
        )
        yield Measure(f"one of {MODELS} models, at random", many, "/s", one, "/s one model")


def measure_replicas(environment: BenchEnvironment) -> Iterator[Measure]:
    """Rates with one and two replicas of billing-service and ml-service, without the gateway."""
    environment.open_wallets(WALLETS)
    with (
        checked_books(environment) as books,
        _replica(environment, "billing") as billing,
        _replica(environment, "ml", BILLING_URL=billing) as ml,
    ):
        addresses = [environment.url("billing"), billing]
        for name, users in {"10,000 wallets": WALLETS, "one hot wallet": HOT_WALLET}.items():
            pair = [charge_request(environment, address, users) for address in addresses]
            one, two = _compare(books, "train", pair[:1], pair)
            yield Measure(f"charges, {name}, 2 replicas", two, "/s", one, "/s 1 replica")
        model = train(environment, books, "random_forest")
        pair = [model.request(address) for address in (environment.url("ml"), ml)]
        one, two = _compare(books, "predict", pair[:1], pair)
        yield Measure("predictions, 2 replicas of both services", two, "/s", one, "/s 1 replica")


def _compare(books: Books, action: str, *groups: Sequence[Request]) -> list[float]:
    """The rate of each group of requests, which are sent together; groups take turns after a warm-up."""
    rounds = [
        [_rate(books, action, group, seconds) for group in groups]
        for seconds in (WARM_UP_SECONDS, *[SECONDS] * ROUNDS)
    ]
    return [statistics.median(rates) for rates in zip(*rounds[1:], strict=True)]


def _rate(books: Books, action: str, requests: Sequence[Request], seconds: float) -> float:
    """The rate of all requests together; each has its own load generator."""
    connections = CONNECTIONS // len(requests)
    with ThreadPoolExecutor(len(requests)) as threads:
        outcomes = list(threads.map(lambda request: drive(request, connections, seconds), requests))
    books.count(action, sum(outcome.answers for outcome in outcomes))
    return sum(outcome.rate for outcome in outcomes)


def _train_many(environment: BenchEnvironment, books: Books) -> TrainedModel:
    """One of many models of one user, named by number; `$NUMBER` in its place stands for any of them."""
    model = train(environment, books, "linear")
    csv = mixed_table(MODEL_ROWS).to_csv(index=False).encode()
    headers = {"Authorization": model.headers["Authorization"]}

    def train_number(number: int) -> str:
        form = {
            "model_type": "linear",
            "feature_cols": json.dumps(MIXED_FEATURES),
            "label_col": "amount",
            "model_filename": str(number),
        }
        file = {"csv_file": ("table.csv", csv, "text/csv")}
        response = environment.client.post("/create", data=form, files=file, headers=headers)
        return response.raise_for_status().json()["model_name"]

    with ThreadPoolExecutor(TRAINERS) as threads:
        names = list(threads.map(train_number, range(MODELS)))
    books.count("train", MODELS)
    return replace(model, name=f"{names[0].rpartition('_')[0]}_$NUMBER")


@contextmanager
def _replica(environment: BenchEnvironment, service: str, **settings: str) -> Generator[str]:
    """Run a second process of a service; yields its address."""
    program = next(each for each in programs_of(environment.stack) if each.name == f"{service}-service")
    port = free_port()
    own = {"PORT": str(port), "LOG_DIR": f"{program.environment['LOG_DIR']}-2", **settings}
    process = subprocess.Popen(  # noqa: S603 - our own program
        program.command, env=os.environ | program.environment | own, stdout=subprocess.DEVNULL
    )
    address = f"http://{ADDRESS}:{port}"
    try:
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport, timeout=START_SECONDS) as client:
            client.get(f"{address}/readyz").raise_for_status()
        yield address
    finally:
        process.terminate()
        process.wait(START_SECONDS)
