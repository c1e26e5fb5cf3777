"""Waiting times: a small training ends within ten seconds, whatever other users run."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.support.people import Person, administrator, grant, new_user
from tests.support.stack import Stack, running_stack
from tests.support.tables import line_table
from tests.support.training import ended, slow_table, slow_training, start, upload

MOST_SECONDS = 10
PLENTY = 1000
# Rows of trainings of about 12 and 50 seconds on an idle core.
HEAVY, LONG = 6000, 24_000
PAUSE_SECONDS = 1.0


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    with running_stack(MAX_TRAIN_SECONDS="600") as stack:
        yield stack


@pytest.fixture
async def http(own_stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=own_stack.url, timeout=60) as client:
        yield client


async def start_forests(user: Person, count: int, rows: int) -> list[int]:
    spec = slow_training(await upload(user, slow_table(rows)))
    return [(await start(user, spec))["id"] for _ in range(count)]


async def seconds_of_small_training(user: Person) -> float:
    dataset = await upload(user, line_table())
    began = time.monotonic()
    job = await start(user, {"dataset_id": dataset, "type": "linear", "label": "y"})
    job = await ended(user, job["id"], within=300)
    assert job["state"] == "succeeded", job
    return time.monotonic() - began


@pytest.mark.parametrize(("users", "count", "rows"), [(1, 8, HEAVY), (2, 2, LONG)])
async def test_small_training_ends_within_ten_seconds_beside_long_ones(
    own_stack: Stack, http: httpx.AsyncClient, users: int, count: int, rows: int
) -> None:
    admin, small = await administrator(http, own_stack), await new_user(http)
    heavy = [await new_user(http) for _ in range(users)]
    for user in heavy:
        await grant(admin, user, PLENTY)
    started = [(user, await start_forests(user, count, rows)) for user in heavy]
    waits = []
    for _ in range(5):
        await asyncio.sleep(PAUSE_SECONDS)
        waits.append(await seconds_of_small_training(small))
    for user, jobs in started:
        for job in jobs:
            await user.post(f"/v1/jobs/{job}/cancel")
    assert max(waits) < MOST_SECONDS, waits
