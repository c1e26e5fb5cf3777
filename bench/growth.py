"""Growth of cost with rows of the ledger, wallets, models, and replicas of services."""

import json
import os
import subprocess
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx

from bench.charges import CONNECTIONS, HOT_WALLET, WALLETS, charge_request
from bench.environment import BenchEnvironment, Books, checked_books
from bench.load import Outcome, Request, drive
from bench.predictions import TrainedModel, train
from bench.results import Measure
from bench.tables import MIXED_FEATURES, mixed_table
from local.ports import ADDRESS, free_port
from local.programs import programs_of

SECONDS, WARM_UP_SECONDS = 4.0, 1.0
FEW_WALLETS = WALLETS[:100]
ROWS, OPERATIONS_PER_CALL, FILLERS, FILL_SECONDS = 1_000_000, 200, 8, 10.0
MODELS, MODEL_ROWS, TRAINERS = 500, 60, 4
START_SECONDS = 60


def measure_rows(environment: BenchEnvironment) -> Iterator[Measure]:
    """Rates with 100 and 10,000 wallets, and with a million transfers more."""
    environment.open_wallets(WALLETS)
    addresses = [environment.url("billing")]
    with checked_books(environment) as books:
        few = _charge(environment, books, addresses, FEW_WALLETS)
        many = _charge(environment, books, addresses, WALLETS)
        yield Measure("10,000 wallets", many, "/s", few, "/s 100 wallets")
        filled, rate = 0, 0.0
        while filled < ROWS:
            request = charge_request(environment, addresses[0], WALLETS, OPERATIONS_PER_CALL)
            outcome = drive(request, FILLERS, FILL_SECONDS)
            filled += outcome.answers * OPERATIONS_PER_CALL
            rate = outcome.rate * OPERATIONS_PER_CALL
        books.count("train", filled)
        yield Measure(f"{OPERATIONS_PER_CALL} charges a request", rate, "charges/s")
        after = _charge(environment, books, addresses, WALLETS)
        yield Measure(f"10,000 wallets after {filled:,} charges", after, "/s", many, "/s before")


def measure_models(environment: BenchEnvironment) -> Iterator[Measure]:
    with checked_books(environment) as books:
        model = _train_many(environment, books)
        requests = [
            replace(model.request(environment.url("gateway")), numbers=range(count)) for count in (1, MODELS)
        ]
        one, many = (_predict(books, [request]) for request in requests)
        yield Measure(f"one of {MODELS} models, at random", many, "/s", one, "/s one model")


def measure_replicas(environment: BenchEnvironment) -> Iterator[Measure]:
    """Rates with one and two replicas of billing-service and ml-service, without the gateway."""
    environment.open_wallets(WALLETS)
    with (
        checked_books(environment) as books,
        _replica(environment, "billing") as billing,
        _replica(environment, "ml", BILLING_URL=billing) as ml,
    ):
        pair = [environment.url("billing"), billing]
        for name, users in {"10,000 wallets": WALLETS, "one hot wallet": HOT_WALLET}.items():
            one, two = (_charge(environment, books, addresses, users) for addresses in (pair[:1], pair))
            yield Measure(f"charges, {name}, 2 replicas", two, "/s", one, "/s 1 replica")
        model = train(environment, books, "random_forest")
        requests = [model.request(address) for address in (environment.url("ml"), ml)]
        one, two = (_predict(books, group) for group in (requests[:1], requests))
        yield Measure("predictions, 2 replicas of both services", two, "/s", one, "/s 1 replica")


def _charge(environment: BenchEnvironment, books: Books, addresses: Sequence[str], users: range) -> float:
    requests = [charge_request(environment, address, users) for address in addresses]
    return _rate(books, "train", requests)


def _predict(books: Books, requests: Sequence[Request]) -> float:
    return _rate(books, "predict", requests)


def _rate(books: Books, action: str, requests: Sequence[Request]) -> float:
    """The rate of all requests together, after a warm-up; each has its own load generator."""
    for seconds in (WARM_UP_SECONDS, SECONDS):
        with ThreadPoolExecutor(len(requests)) as threads:
            started = [
                threads.submit(drive, request, CONNECTIONS // len(requests), seconds) for request in requests
            ]
            outcomes: list[Outcome] = [future.result() for future in started]
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
