"""Charges over HTTP, one a request, on one or many wallets, against a no-op route of the same process."""

import statistics
from collections.abc import Iterator

from bench.environment import BenchEnvironment, checked_books
from bench.load import Outcome, Request, drive
from bench.results import Measure, Target

CONNECTIONS = 64
SECONDS = 4.0
ROUNDS = 2
WARM_UP_SECONDS = 1.0
FIRST_USER = 1_000_000_000
WALLETS = range(FIRST_USER, FIRST_USER + 10_000)
HOT_WALLET = WALLETS[:1]
MANY = f"{len(WALLETS):,} wallets"
CHARGE_TARGET, HOT_TARGET = Target(at_least=0.8), Target(at_least=0.9)
OPERATION = '{"operation": "charge", "key": "$KEY-%d", "user_id": $NUMBER, "action": "train", "units": 1}'


def measure_charges(environment: BenchEnvironment) -> Iterator[Measure]:
    environment.open_wallets(WALLETS)
    address = environment.url("billing")
    no_op = Request("GET", f"{address}/livez", {})
    rounds: list[list[Outcome]] = []
    with checked_books(environment) as books:
        for seconds in (WARM_UP_SECONDS, *[SECONDS] * ROUNDS):
            requests = [
                no_op,
                *(charge_request(environment, address, users) for users in (HOT_WALLET, WALLETS)),
            ]
            outcomes = [drive(request, CONNECTIONS, seconds) for request in requests]
            books.count("train", sum(outcome.answers for outcome in outcomes[1:]))
            rounds.append(outcomes)
    rates = ((outcome.rate for outcome in own) for own in zip(*rounds[1:], strict=True))
    nothing, one, many = map(statistics.median, rates)
    yield Measure("one hot wallet", one, "/s", nothing, "/s no-op route", CHARGE_TARGET)
    yield Measure(MANY, many, "/s", nothing, "/s no-op route", CHARGE_TARGET)
    yield Measure("one hot wallet", one, "/s", many, f"/s {MANY}", HOT_TARGET)


def charge_request(environment: BenchEnvironment, address: str, users: range, operations: int = 1) -> Request:
    """A request that charges random users, one token and one new key an operation; valid for a minute."""
    body = ", ".join(OPERATION % number for number in range(operations))
    headers = environment.service_headers("billing-service")
    return Request("POST", f"{address}/internal/operations", headers, f'{{"operations": [{body}]}}', users)
