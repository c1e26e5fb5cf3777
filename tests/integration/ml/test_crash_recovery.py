"""Crash recovery: a job ends despite failed workers, replicas or billing, and is charged at most once."""

import asyncio
import io
import json
from pathlib import Path
from uuid import uuid4

import asyncpg
import numpy as np
import pytest
from tests.integration.ml.conftest import GRANT
from tests.integration.ml.service import ADA, Service, eventually, run_service
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.memory_hog import take_memory
from tests.support.postgres import Database
from tests.support.tokens import bearer

from ml_service.billing.port import ChargeKey
from ml_service.jobs import handlers

FOREST = {"type": "random_forest", "label": "y"}
SECONDS_LONG = {"n_estimators": 100}
MINUTES_LONG = {"n_estimators": 500}


def random_table(rows: int) -> bytes:
    numbers = np.random.default_rng(7).random((rows, 9))
    text = io.StringIO()
    np.savetxt(text, numbers, delimiter=",", fmt="%.6f", header="a,b,c,d,e,f,g,h,y", comments="")
    return text.getvalue().encode()


def table_of_categories(rows: int) -> bytes:
    """A small file whose 51 columns of 50 categories become 2,500 encoded columns."""
    names = ",".join(f"c{number}" for number in range(51))
    drawn = np.random.default_rng(7).integers(0, 50, (rows, 51))
    lines = (",".join(f"k{category}" for category in row) for row in drawn.tolist())
    return "\n".join([names, *lines]).encode()


async def start_fit(service: Service, rows: int, params: dict[str, int]) -> dict[str, object]:
    """Start a job and wait until it is fitting."""
    dataset = await service.upload_bytes(random_table(rows))
    job = await service.start(**FOREST, dataset_id=dataset["id"], params=params)

    await service.reached(job, "fitting")
    return job


async def knows_memory(service: Service) -> bool:
    return service.app.state.container.worker.cluster.known_memory is not None


async def cancel(service: Service, job: dict[str, object]) -> int:
    answer = await service.client.post(f"/v1/jobs/{job['id']}/cancel", headers=bearer(ADA))
    return answer.status_code


async def test_running_fit_is_cancelled_within_five_seconds(service: Service) -> None:
    job = await start_fit(service, 20_000, MINUTES_LONG)
    assert await cancel(service, job) == 202
    async with asyncio.timeout(5):
        ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"]) == ("cancelled", 0)
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100, 0)


async def test_cancelled_fit_frees_its_worker(service: Service) -> None:
    for _ in range(2):
        job = await start_fit(service, 20_000, MINUTES_LONG)
        await cancel(service, job)
        await service.ended(job)
    assert (await service.train())["state"] == "succeeded"


async def test_queued_job_is_cancelled_without_worker(idle: Service) -> None:
    job = await idle.start()
    await cancel(idle, job)
    async with asyncio.timeout(10):
        assert (await idle.ended(job))["state"] == "cancelled"
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT, 0)


async def test_ended_job_cannot_be_cancelled(idle: Service) -> None:
    job = await idle.start()
    await cancel(idle, job)
    await idle.ended(job)
    assert await cancel(idle, job) == 409


async def test_model_name_of_cancelled_job_is_free(idle: Service) -> None:
    job = await idle.start(name="mine")
    await cancel(idle, job)
    await idle.ended(job)
    assert (await idle.request_training(name="mine")).status_code == 202


async def test_job_survives_killed_workers_and_announces_its_retry(
    service: Service, cluster: TestCluster
) -> None:
    job = await start_fit(service, 3_000, SECONDS_LONG)
    for worker in cluster.workers():
        worker.kill()
    stage = "retrying, 2 of 3: the worker was lost"
    await service.reached(job, stage)
    ended = await service.ended(job)
    assert (ended["state"], ended["attempts"]) == ("succeeded", 2)
    assert service.billing.balance(ADA) == 99
    answer = await service.client.get(f"/v1/jobs/{job['id']}/events", headers=bearer(ADA))
    requeued = answer.text.split("event: requeued")[1].splitlines()[1]
    event = json.loads(requeued.removeprefix("data: "))
    assert (event["stage"], event["attempt"], event["of"]) == (stage, 2, 3)


async def test_fit_over_time_limit_fails_with_advice(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    limits = {"max_train_seconds": 1, "dask_scheduler_address": cluster.address}
    async with run_service(database, tmp_path, billing, **limits) as service:
        dataset = await service.upload_bytes(random_table(20_000))
        job = await service.ended(
            await service.start(**FOREST, dataset_id=dataset["id"], params=MINUTES_LONG)
        )
        assert (job["state"], job["error"]["code"]) == ("failed", "time_limit")
        assert "fewer rows" in job["error"]["detail"]
        assert (billing.balance(ADA), billing.held(ADA)) == (100, 0)


async def test_fit_over_memory_limit_fails_at_once_and_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "train_on_worker", take_memory)
    job = await service.start()
    await service.reached(job, "fitting")
    monkeypatch.undo()
    other = await service.train(type="linear", label="body_mass_g", missing_label="drop")
    assert other["state"] == "succeeded"
    ended = await service.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "out_of_memory")
    assert "use fewer rows" in ended["error"]["detail"]
    assert (ended["attempts"], ended["tokens_charged"]) == (1, 0)
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (99, 0)


async def test_fit_that_cannot_fit_is_refused_before_its_hold(service: Service) -> None:
    """Its matrix alone has twice the memory of a worker."""
    await eventually(lambda: knows_memory(service))
    dataset = await service.upload_bytes(table_of_categories(30_000))
    for model_type in ("logistic", "auto"):
        answer = await service.request_training(type=model_type, label="c0", dataset_id=dataset["id"])
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "fit_too_large")
        assert problem["estimate"] > problem["limit"] == 700 * 1024 * 1024
        assert "at least 1.0 GiB of memory and a worker has 700 MiB" in problem["detail"]
    assert "hold" not in service.billing.calls


async def test_job_of_dead_replica_is_claimed_after_lease_expiry(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster, sql: asyncpg.Connection
) -> None:
    async with run_service(database, tmp_path, billing) as dead:
        job = await dead.start()
        await sql.execute(
            "UPDATE ml.jobs SET state = 'running', attempts = 1, lease = $1, started_at = now(),"
            " lease_until = now() + interval '1s'",
            uuid4(),
        )
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as other:
        ended = await other.ended(job)
        answer = await other.client.get(f"/v1/jobs/{job['id']}/events", headers=bearer(ADA))
    assert (ended["state"], ended["attempts"]) == ("succeeded", 2)
    assert '"stage":"retrying, 2 of 5: the service that ran it was lost"' in answer.text
    assert billing.balance(ADA) == 99


async def test_replica_without_lease_has_no_effect(service: Service, sql: asyncpg.Connection) -> None:
    job = await start_fit(service, 3_000, SECONDS_LONG)
    await sql.execute("UPDATE ml.jobs SET lease = $1, lease_until = now()", uuid4())
    ended = await service.ended(job)
    assert ended["state"] == "succeeded"
    assert ended["attempts"] > 1
    assert service.billing.balance(ADA) == 99
    await service.wait_until_stored("artefacts", 1)


async def test_stopping_replica_requeues_its_job(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster, sql: asyncpg.Connection
) -> None:
    async with run_service(
        database, tmp_path, billing, dask_scheduler_address=cluster.address, lease_seconds=600
    ) as stopping:
        await start_fit(stopping, 20_000, MINUTES_LONG)
    state, stage = await sql.fetchrow("SELECT state, stage FROM ml.jobs")  # pyright: ignore[reportGeneralTypeIssues] - there is a row
    assert (state, stage) == ("queued", "retrying, 2 of 5: the service was restarted")


async def test_stored_result_is_charged_once_after_crash(service: Service, sql: asyncpg.Connection) -> None:
    """As after a crash between settlement and the final state."""
    job = await service.train()
    await sql.execute(
        "UPDATE ml.jobs SET state = 'running', lease = $1, lease_until = now(), ended_at = NULL,"
        " tokens_charged = 0, receipt_id = NULL",
        uuid4(),
    )
    ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"], ended["receipt_id"]) == (
        "succeeded",
        1,
        job["receipt_id"],
    )
    assert service.billing.balance(ADA) == 99


async def test_billing_outage_delays_end_of_job(service: Service) -> None:
    job = await start_fit(service, 3_000, SECONDS_LONG)
    service.billing.unavailable = True

    await service.reached(job, "saving")
    assert (await service.job(job["id"]))["state"] == "running"
    service.billing.unavailable = False
    assert (await service.ended(job))["state"] == "succeeded"


async def test_expired_hold_is_placed_again(service: Service) -> None:
    job = await start_fit(service, 3_000, SECONDS_LONG)
    service.billing.expire_all()
    assert (await service.ended(job))["state"] == "succeeded"
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (99, 0)


async def test_job_fails_if_tokens_of_expired_hold_are_spent(service: Service) -> None:
    job = await start_fit(service, 3_000, SECONDS_LONG)
    service.billing.expire_all()
    service.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    ended = await service.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "not_enough_tokens")
    assert service.stored("artefacts") == set()


async def test_holds_of_waiting_jobs_are_extended_without_row_locks(
    idle: Service, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend = idle.billing.extend

    async def extend_while_others_write(key: ChargeKey, seconds: int) -> None:
        await sql.execute("SELECT 1 FROM ml.jobs FOR UPDATE NOWAIT")
        await extend(key, seconds)

    async def is_extended() -> bool:
        return await sql.fetchval("SELECT hold_until > now() + interval '5 minutes' FROM ml.jobs")

    monkeypatch.setattr(idle.billing, "extend", extend_while_others_write)
    await idle.start()
    await eventually(is_extended, 30)
    assert "extend" in idle.billing.calls
