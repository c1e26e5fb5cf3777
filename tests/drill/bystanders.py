"""Bystanders: while one user floods a route, another one looks at a balance and trains a small model."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import numpy as np

from tests.drill.attacks import ATTACKS, Attacker, attack
from tests.drill.disk import MEBIBYTE, disks
from tests.support.books import assert_books_balance
from tests.support.people import Person, administrator, grant, new_user
from tests.support.stack import Stack, running_stack
from tests.support.tables import line_table
from tests.support.training import ended, slow_table, slow_training, start, train, upload

# As `make up` starts a stack, but that each user has an address of their own.
PRODUCT_SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.1",
    "FAREBOX_RATE_LIMITS": "default",
    "MAX_REQUESTS_IN_FLIGHT": "50",
    "MAX_OPEN_STREAMS": "10",
    "BCRYPT_COST": "12",
}
PLENTY = 100_000
ATTACK_SECONDS = 10.0
# The flood has begun to fill queues by then.
BEFORE_SECONDS = 1.0
SECONDS_BETWEEN_LOOKS, SECONDS_BETWEEN_TRAININGS = 0.1, 0.5
REQUEST_SECONDS, BOOKS_SECONDS = 60.0, 60.0
MODEL_ROWS = 2000
# Files of deleted attackers stay for an hour.
DISK_BYTES = 6 * 1024 * MEBIBYTE
BYSTANDERS_ADDRESS = "192.0.2.1"
MOST_BALANCE_SECONDS, MOST_TRAINING_SECONDS = 0.5, 10.0


@dataclass(frozen=True)
class Experience:
    """What a bystander waited for during one attack, in seconds; `answers` are those to the attacker."""

    attack: str
    answers: dict[str, int]
    balances: list[float]
    trainings: list[float]

    @property
    def balance_p99(self) -> float:
        return float(np.percentile(self.balances, 99))

    @property
    def longest_training(self) -> float:
        return max(self.trainings)

    @property
    def failure(self) -> str | None:
        """Why it was worse than promised."""
        if self.balance_p99 > MOST_BALANCE_SECONDS:
            return f"{self.attack}: p99 of a balance was {self.balance_p99:.2f} s"
        if self.longest_training > MOST_TRAINING_SECONDS:
            return f"{self.attack}: a small training took {self.longest_training:.1f} s"
        return None


async def attack_all(
    report: Callable[[Experience], None], seconds: float = ATTACK_SECONDS
) -> list[Experience]:
    """Each attack in turn, on one stack; raises AssertionError if its books do not balance at the end."""
    experiences: list[Experience] = []
    # In memory, since other programs of the machine may keep its disk busy for seconds.
    with disks(DISK_BYTES) as (disk,), running_stack(disk.folder, **PRODUCT_SETTINGS) as stack:
        async with _client(stack, BYSTANDERS_ADDRESS) as http:
            admin, bystander = await administrator(http, stack), await new_user(http)
            await grant(admin, bystander, PLENTY)
            dataset = await upload(bystander, line_table())
            for number, name in enumerate(ATTACKS, start=1):
                async with _new_attacker(stack, admin, f"198.51.100.{number}") as attacker:
                    experience = await _suffer(name, attacker, bystander, dataset, seconds)
                experiences.append(experience)
                report(experience)
        await asyncio.to_thread(assert_books_balance, stack, BOOKS_SECONDS)
    return experiences


def _client(stack: Stack, address: str) -> httpx.AsyncClient:
    headers = {"X-Forwarded-For": address}
    return httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=REQUEST_SECONDS)


@asynccontextmanager
async def _new_attacker(stack: Stack, admin: Person, address: str) -> AsyncIterator[Attacker]:
    """An attacker, who is deleted at the end with all that they left."""
    async with _client(stack, address) as http:
        user = await new_user(http)
        await grant(admin, user, PLENTY)
        neighbours = await train(user, line_table(MODEL_ROWS), type="knn")
        forest = await train(user, line_table(MODEL_ROWS), type="random_forest")
        dataset = await upload(user, slow_table())
        job = await start(user, slow_training(dataset))
        models = (neighbours["name"], forest["name"])
        yield Attacker(stack.url, address, user.id, user.name, user.credential, dataset, job["id"], *models)
    deleted = await admin.delete(f"/v1/users/{user.id}")
    assert deleted.status_code == 204, deleted.text


async def _suffer(
    name: str, attacker: Attacker, bystander: Person, dataset: int, seconds: float
) -> Experience:
    """Use the stack during an attack of so many seconds."""
    flood = asyncio.create_task(attack(name, attacker, BEFORE_SECONDS + seconds))
    await asyncio.sleep(BEFORE_SECONDS)
    end = time.monotonic() + seconds
    balances, trainings = await asyncio.gather(
        _look_at_balance(bystander, end), _train_again(bystander, dataset, end)
    )
    return Experience(name, await flood, balances, trainings)


async def _look_at_balance(bystander: Person, end: float) -> list[float]:
    seconds: list[float] = []
    while (started := time.monotonic()) < end:
        await bystander.balance()
        seconds.append(time.monotonic() - started)
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    return seconds


async def _train_again(bystander: Person, dataset: int, end: float) -> list[float]:
    seconds: list[float] = []
    while (started := time.monotonic()) < end:
        job = await start(bystander, {"dataset_id": dataset, "type": "linear", "label": "y"})
        job = await ended(bystander, job["id"])
        assert job["state"] == "succeeded", job
        seconds.append(time.monotonic() - started)
        await asyncio.sleep(SECONDS_BETWEEN_TRAININGS)
    return seconds
