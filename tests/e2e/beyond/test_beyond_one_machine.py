"""External Dask cluster and S3 bucket: every part of a model crosses the network."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from tests.support.books import assert_books_balance
from tests.support.bucket import Bucket, running_bucket
from tests.support.cluster import TestCluster, running_cluster
from tests.support.people import Person, new_user
from tests.support.stack import Stack, running_stack
from tests.support.training import ended, slow_table, slow_training, start, train, upload

STAGE_SECONDS = 60
JOB_SECONDS = 180
# Enough to kill a worker in the middle of the fit, and few enough for its 700 MB of memory.
TREES = {"n_estimators": 100}
CSV = {"Content-Type": "text/csv"}


@dataclass(frozen=True)
class Spread:
    stack: Stack
    cluster: TestCluster
    bucket: Bucket


@pytest.fixture(scope="module")
def spread() -> Iterator[Spread]:
    with ExitStack() as contexts:
        bucket = contexts.enter_context(running_bucket())
        cluster = contexts.enter_context(running_cluster(**bucket.settings))
        address = {"DASK_SCHEDULER_ADDRESS": cluster.address}
        stack = contexts.enter_context(running_stack(**bucket.settings, **address))
        yield Spread(stack, cluster, bucket)


@pytest.fixture(autouse=True)
def _books_balance(spread: Spread) -> Iterator[None]:
    yield
    assert_books_balance(spread.stack)


@pytest.fixture
async def person(spread: Spread) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=spread.stack.url, timeout=60) as http:
        yield await new_user(http)


async def _wait_for_stage(person: Person, job_id: int, stage: str) -> None:
    deadline = time.monotonic() + STAGE_SECONDS
    while (await person.get(f"/v1/jobs/{job_id}")).json()["stage"] != stage:
        assert time.monotonic() < deadline, f"The job did not reach the stage {stage}."
        await asyncio.sleep(0.05)


async def test_training_survives_a_killed_worker(spread: Spread, person: Person) -> None:
    spec = slow_training(await upload(person, slow_table(3000))) | {"params": TREES}
    job = await start(person, spec)
    await _wait_for_stage(person, job["id"], "fitting")
    for worker in spread.cluster.workers():
        worker.kill()
    job = await ended(person, job["id"], JOB_SECONDS)
    assert (job["state"], job["attempts"], job["tokens_charged"]) == ("succeeded", 2, 1), job
    assert spread.bucket.keys("artefacts")
    response = await person.post(
        f"/v1/models/{job['model_name']}/predict", json={"features": dict.fromkeys("abcd", 1)}
    )
    assert response.status_code == 200, response.text


async def test_files_are_predicted_in_requests_and_by_workers(spread: Spread, person: Person) -> None:
    path = f"/v1/models/{(await train(person))['name']}/batch"
    at_once = await person.post(path, content=b"x,noise\n1,0\n", headers=CSV)
    assert at_once.status_code == 200, at_once.text
    assert at_once.text.splitlines()[1].startswith("1,0,")
    started = await person.post(path, content=b"x,noise\n1,0\n", headers=CSV | {"Prefer": "respond-async"})
    assert started.status_code == 202, started.text
    job = await ended(person, started.json()["id"])
    assert (job["state"], job["tokens_charged"]) == ("succeeded", 5), job
    assert (await person.get(f"/v1/jobs/{job['id']}/result")).content == at_once.content
    assert spread.bucket.keys("results")


async def test_deleted_model_is_removed_from_the_bucket(spread: Spread, person: Person) -> None:
    before = spread.bucket.keys("artefacts")
    model = await train(person)
    assert spread.bucket.keys("artefacts") - before
    assert (await person.delete(f"/v1/models/{model['name']}")).status_code == 204
    assert spread.bucket.keys("artefacts") <= before
