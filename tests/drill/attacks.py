"""Attacks: floods of requests by which one user takes as much of the stack as the limits allow.

An attack runs in a process of its own and at a low priority: it stands for another machine, whose processor
is not the stack's.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

import httpx

from tests.support.people import PASSWORD, Person
from tests.support.tables import csv
from tests.support.training import slow_training

# More than the requests that the gateway lets one user have in flight.
SENDERS = 60
REQUEST_SECONDS = 60.0
LOW_PRIORITY = 10
MANY_ROWS, UPLOADED_ROWS = 10_000, 200_000
TRICKLE_SECONDS = 0.5


@dataclass(frozen=True)
class Attacker:
    """A rich user with a dataset of two features, a model of the nearest neighbours and a forest of it."""

    url: str
    address: str
    id: int
    name: str
    token: str
    dataset: int
    job: int
    neighbours: str
    forest: str


Send = Callable[[Person, Attacker], Awaitable[httpx.Response]]


@cache
def _many_rows() -> bytes:
    return json.dumps({"rows": [{"x": n, "noise": n % 13} for n in range(MANY_ROWS)]}).encode()


@cache
def _many_lines(rows: int) -> bytes:
    return csv("x,noise,y", *(f"{n},{n % 13},{3 * n + 2}" for n in range(rows)))


async def _predict(user: Person, attacker: Attacker) -> httpx.Response:
    body = {"features": {"x": 1, "noise": 3}}
    return await user.post(f"/v1/models/{attacker.forest}/predict", json=body)


async def _predict_many(user: Person, attacker: Attacker) -> httpx.Response:
    path, headers = f"/v1/models/{attacker.neighbours}/predict", {"Content-Type": "application/json"}
    return await user.post(path, content=_many_rows(), headers=headers)


async def _batch(user: Person, attacker: Attacker) -> httpx.Response:
    path, headers = f"/v1/models/{attacker.neighbours}/batch", {"Content-Type": "text/csv"}
    return await user.post(path, content=_many_lines(MANY_ROWS), headers=headers)


async def _upload(user: Person, _attacker: Attacker) -> httpx.Response:
    # Each file is another one: a known file is not read again.
    content = _many_lines(UPLOADED_ROWS) + f"{time.monotonic_ns()},1,1\n".encode()
    return await user.post("/v1/datasets", content=content, headers={"Content-Type": "text/csv"})


async def _train(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.post("/v1/models", json=slow_training(attacker.dataset))


async def _compare(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.post("/v1/models", json={"dataset_id": attacker.dataset, "type": "auto", "label": "y"})


async def _findings(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.get(f"/v1/datasets/{attacker.dataset}/findings", params={"label": "y"})


async def _follow(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.get(f"/v1/jobs/{attacker.job}/events")


async def _export(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.get(f"/v1/models/{attacker.forest}/export")


async def _report(user: Person, attacker: Attacker) -> httpx.Response:
    return await user.get(f"/v1/models/{attacker.forest}/report", params={"format": "html"})


async def _everything(user: Person, _attacker: Attacker) -> httpx.Response:
    return await user.get("/v1/me/export")


async def _ledger(user: Person, _attacker: Attacker) -> httpx.Response:
    return await user.get("/v1/me/ledger", params={"page_size": 200})


async def _log_in(user: Person, _attacker: Attacker) -> httpx.Response:
    return await user.http.post("/v1/sessions", json={"name": user.name, "password": PASSWORD + "!"})


async def _change_password(user: Person, _attacker: Attacker) -> httpx.Response:
    body = {"current_password": PASSWORD + "!", "new_password": PASSWORD}
    return await user.put("/v1/me/password", json=body)


async def _trickle(user: Person, _attacker: Attacker) -> httpx.Response:
    async def bytes_one_by_one() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(TRICKLE_SECONDS)

    return await user.post("/v1/datasets", content=bytes_one_by_one(), headers={"Content-Type": "text/csv"})


ATTACKS: dict[str, Send] = {
    "predictions": _predict,
    "large predictions": _predict_many,
    "batches": _batch,
    "uploads": _upload,
    "trainings": _train,
    "comparisons": _compare,
    "findings": _findings,
    "event streams": _follow,
    "exports of a model": _export,
    "reports": _report,
    "exports of the account": _everything,
    "ledger": _ledger,
    "logins": _log_in,
    "changes of the password": _change_password,
    "slow bodies": _trickle,
}


async def attack(name: str, attacker: Attacker, seconds: float) -> dict[str, int]:
    """Flood one route for so long; returns how often each status was answered."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=os.nice, initargs=(LOW_PRIORITY,)) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, _flood, name, attacker, seconds)


def _flood(name: str, attacker: Attacker, seconds: float) -> dict[str, int]:
    return asyncio.run(_send_all(ATTACKS[name], attacker, seconds))


async def _send_all(send: Send, attacker: Attacker, seconds: float) -> dict[str, int]:
    answers: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=SENDERS, max_keepalive_connections=SENDERS)
    headers = {"X-Forwarded-For": attacker.address}
    async with httpx.AsyncClient(
        base_url=attacker.url, headers=headers, timeout=REQUEST_SECONDS, limits=limits
    ) as http:
        user = Person(http, attacker.id, attacker.name, PASSWORD, attacker.token)
        senders = [asyncio.create_task(_send_again(send, user, attacker, answers)) for _ in range(SENDERS)]
        await asyncio.sleep(seconds)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    return dict(answers)


async def _send_again(send: Send, user: Person, attacker: Attacker, answers: Counter[str]) -> None:
    while True:
        try:
            answers[str((await send(user, attacker)).status_code)] += 1
        except httpx.HTTPError as error:
            answers[type(error).__name__] += 1
