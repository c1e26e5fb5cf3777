"""The stack of containers: e2e tests, scaling, and recovery from the loss of any part."""

import asyncio
import dataclasses
import os
import shlex
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.support.background_load import FEATURES, BackgroundLoad
from tests.support.books import assert_books_balance
from tests.support.compose import Compose, run_program
from tests.support.course import trained_model
from tests.support.people import Person, administrator, grant, new_user
from tests.support.recovery import all_jobs, all_predictions, assert_charges_match_results, assert_recovered
from tests.support.stack import Stack
from tests.support.tables import line_table
from tests.support.training import ended, slow_table, slow_training, start, upload

PLENTY = 10_000
# Enough for two busy cores to restart ten programs.
RECOVERY_SECONDS = 240
BETWEEN_KILLS_SECONDS = 3.0
AFTER_SECONDS = 5.0
RUNNING_WITHIN_SECONDS = 120
E2E_SECONDS = 3600
REPLICAS = tuple(f"--scale={service}=2" for service in ("gateway", "ml-service", "ml-worker"))
BUCKET = {
    "STORE_URL": "s3://farebox/store",
    "AWS_ENDPOINT_URL": "http://s3:9000",
    "AWS_ACCESS_KEY_ID": "farebox",
    "AWS_SECRET_ACCESS_KEY": "for tests alone",
}
MAKE_BUCKET = "import fsspec; fsspec.filesystem('s3').mkdir('farebox')"
KILLED = ["ml-worker", "ml-service", "billing-service", "auth-service", "gateway", "dask-scheduler"]


@pytest.fixture(scope="module")
def replicas(compose: Compose) -> Compose:
    compose.up("--no-recreate", *REPLICAS)
    return compose


@pytest.fixture
async def rich(http: httpx.AsyncClient, stack: Stack) -> Person:
    user = await new_user(http)
    await grant(await administrator(http, stack), user, PLENTY)
    return user


@pytest.fixture
async def load(rich: Person) -> BackgroundLoad:
    table = await upload(rich, line_table(400))
    # Rarely enough that two cores can restart the containers at the same time.
    return BackgroundLoad(rich, await trained_model(rich), table, prediction_every=0.5, training_every=4)


@pytest.mark.timeout(E2E_SECONDS)
def test_e2e_tests_pass_through_the_gateway(compose: Compose, stack: Stack) -> None:
    paths = shlex.split(os.environ.get("E2E_TESTS", "tests/e2e"))
    environment = {
        **compose.environment,
        "FAREBOX_E2E_URL": stack.url,
        "FAREBOX_E2E_ADMIN_EMAIL": stack.admin_name,
        "FAREBOX_E2E_ADMIN_PASSWORD": stack.admin_password,
        "FAREBOX_E2E_DASHBOARD_URL": stack.dashboard_url,
    }
    run_program([sys.executable, "-m", "pytest", "-q", "-x", *paths], environment, seconds=E2E_SECONDS)


async def test_more_workers_train_more_at_once(
    replicas: Compose, http: httpx.AsyncClient, stack: Stack
) -> None:
    replicas.up("--no-recreate", *REPLICAS, "--scale=ml-worker=4")
    admin = await administrator(http, stack)
    users = [await new_user(http) for _ in range(4)]
    for user in users:
        await grant(admin, user, PLENTY)
    specs = [(user, slow_training(await upload(user, slow_table()))) for user in users]
    jobs = [(user, (await start(user, spec))["id"]) for user, spec in specs]
    await _wait_until_all_run(jobs)
    for user, job in jobs:
        await user.post(f"/v1/jobs/{job}/cancel")
        await ended(user, job)
    # Without `--wait`, which would wait for the removed containers.
    replicas.run("up", "--detach", "--no-recreate", *REPLICAS)
    assert_books_balance(stack)


async def test_replicas_charge_once(replicas: Compose, http: httpx.AsyncClient, stack: Stack) -> None:
    user = await new_user(http)
    model = await trained_model(user)  # costs 1 of the 15
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_predict_over_own_connection(stack, user, model)) for _ in range(20)]
    assert sorted(task.result() for task in tasks) == [200] * 2 + [402] * 18
    assert await user.balance() == 4
    for service in ("gateway", "ml-service"):
        assert len(_replicas_that_served(replicas, service, "/predict")) == 2
    assert_books_balance(stack)


async def test_killed_containers_lose_no_tokens(
    replicas: Compose, stack: Stack, load: BackgroundLoad
) -> None:
    async with load.running():
        for service in KILLED:
            await asyncio.sleep(BETWEEN_KILLS_SECONDS)
            await asyncio.to_thread(replicas.kill, service)
        await asyncio.sleep(AFTER_SECONDS)
    await _assert_recovered_and_balanced(stack, load)


async def test_restarted_database_loses_no_tokens(
    replicas: Compose, stack: Stack, load: BackgroundLoad
) -> None:
    async with load.running():
        await asyncio.sleep(BETWEEN_KILLS_SECONDS)
        await asyncio.to_thread(replicas.run, "restart", "postgres")
        await asyncio.sleep(AFTER_SECONDS)
    await _assert_recovered_and_balanced(stack, load)


async def test_stopped_replica_returns_its_jobs(replicas: Compose, stack: Stack, rich: Person) -> None:
    job = await start(rich, slow_training(await upload(rich, slow_table(1500))))
    await _wait_until_all_run([(rich, job["id"])])
    await asyncio.to_thread(replicas.run, "restart", "ml-service")
    await asyncio.to_thread(replicas.up, "--no-recreate", *REPLICAS)
    assert (await ended(rich, job["id"]))["state"] == "succeeded"
    events = (await rich.get(f"/v1/jobs/{job['id']}/events")).text
    assert "event: requeued" in events
    assert_books_balance(stack)


async def test_backup_is_restored_into_a_fresh_stack(
    compose: Compose, http: httpx.AsyncClient, stack: Stack, tmp_path: Path
) -> None:
    user = await new_user(http)
    model = await trained_model(user)
    backup = tmp_path / "backup"
    compose.script("backup", str(backup))
    compose.run("down", "--volumes")
    compose.script("restore", str(backup))
    response = await user.post(f"/v1/models/{model}/predict", json=FEATURES)
    assert response.status_code == 200, response.text
    assert await user.balance() == 9
    assert_books_balance(stack)


async def test_store_can_be_a_bucket(compose: Compose, http: httpx.AsyncClient, stack: Stack) -> None:
    with_bucket = dataclasses.replace(compose, environment={**compose.environment, **BUCKET})
    with_bucket.run("--profile", "s3", "up", "--build", "--detach", "--wait", "s3")
    with_bucket.run("run", "--rm", "--no-deps", "-T", "ml-service", "python", "-c", MAKE_BUCKET)
    with_bucket.up()
    user = await new_user(http)
    model = await trained_model(user)
    with_bucket.run("restart", "ml-service")  # so that the model is no longer in its memory
    with_bucket.up()
    response = await user.post(f"/v1/models/{model}/predict", json=FEATURES)
    assert response.status_code == 200, response.text
    with_bucket.run("--profile", "s3", "rm", "--stop", "--force", "s3")
    assert_books_balance(stack)


def test_all_processes_shut_down_gracefully(compose: Compose) -> None:
    compose.run("stop")
    states = compose.run("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}").splitlines()
    assert states
    assert {line for line in states if not line.endswith(" 0")} == set()


async def _wait_until_all_run(jobs: list[tuple[Person, int]]) -> None:
    deadline = time.monotonic() + RUNNING_WITHIN_SECONDS
    while True:
        responses = [await user.get(f"/v1/jobs/{job}") for user, job in jobs]
        states = [response.json()["state"] for response in responses]
        if states == ["running"] * len(jobs):
            return
        assert time.monotonic() < deadline, states
        await asyncio.sleep(0.1)


async def _predict_over_own_connection(stack: Stack, user: Person, model: str) -> int:
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        response = await client.post(f"/v1/models/{model}/predict", json=FEATURES, headers=user.bearer)
    return response.status_code


def _replicas_that_served(compose: Compose, service: str, route: str) -> list[str]:
    """The containers whose log has a request to this route."""
    logs = {
        container: run_program(["docker", "logs", container]) for container in compose.containers(service)
    }
    return [container for container, log in logs.items() if f'{route}"' in log]


async def _assert_recovered_and_balanced(stack: Stack, load: BackgroundLoad) -> None:
    until = time.monotonic() + RECOVERY_SECONDS
    await assert_recovered(load, until)
    predicted, trained = await asyncio.gather(all_predictions(load, until), all_jobs(load, until))
    await assert_charges_match_results(load.user, predicted, trained)
    assert_books_balance(stack, within=max(1, until - time.monotonic()))
    assert load.faults == []
