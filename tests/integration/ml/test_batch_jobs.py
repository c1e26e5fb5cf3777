"""Batch jobs: results equal to those of a batch at once; one charge, also after crashes."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.integration.ml.service import ADA, BOB, Json, Service, eventually, run_service
from tests.integration.ml.test_batches import BAD_ROW, GRANT, PENGUINS, table
from tests.integration.ml.test_crash_recovery import cancel
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer
from tests.support.unreliable_billing import Fault, UnreliableBilling

SECONDS_LONG = 400_000
PLENTY = 10_000


async def send(
    service: Service,
    model: str,
    content: bytes = PENGUINS,
    key: str | None = None,
    prefer: str | None = "respond-async",
) -> httpx.Response:
    headers = bearer(ADA) | {"Content-Type": "text/csv"}
    headers |= ({"Idempotency-Key": key} if key else {}) | ({"Prefer": prefer} if prefer else {})
    return await service.client.post(f"/v1/models/{model}/batch", content=content, headers=headers)


async def start_batch(service: Service, model: str, content: bytes = PENGUINS, **sent: Any) -> Json:
    answer = await send(service, model, content, **sent)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def fetch(service: Service, job: Json, user: int = ADA) -> httpx.Response:
    return await service.client.get(f"/v1/jobs/{job['id']}/result", headers=bearer(user))


async def events_of(service: Service, job: Json) -> str:
    return (await service.client.get(f"/v1/jobs/{job['id']}/events", headers=bearer(ADA))).text


async def end_elsewhere(
    job: Json, database: Database, store: Path, billing: MemoryBilling, cluster: TestCluster
) -> Json:
    """Run another replica with a cluster until it has ended the job; returns the job."""
    async with run_service(database, store, billing, dask_scheduler_address=cluster.address) as replica:
        return await replica.ended(job)


async def running_batch(service: Service, model: str) -> Json:
    """Start a batch job and wait until it is predicting."""
    service.billing.grant(ADA, PLENTY)
    job = await start_batch(service, model, table(SECONDS_LONG))

    async def is_predicting() -> bool:
        return 0 < (await service.job(job["id"]))["percent"] < 100

    await eventually(is_predicting)
    return job


async def test_batch_job_returns_same_file_as_batch_at_once(service: Service, model: str) -> None:
    content = table(999) + BAD_ROW * 600
    at_once = await send(service, model, content, prefer=None)
    job = await service.ended(await start_batch(service, model, content))
    assert (job["state"], job["kind"]) == ("succeeded", "batch")
    assert (job["tokens_held"], job["tokens_charged"]) == (10, 5)
    later = await fetch(service, job)
    assert (later.status_code, later.content) == (200, at_once.content)
    same = ("Content-Type", "Content-Length", "Content-Disposition", "X-Rows", "X-Rows-Failed")
    assert [later.headers[name] for name in same] == [at_once.headers[name] for name in same]
    assert later.headers["X-Receipt-Id"] == job["receipt_id"]
    assert service.billing.balance(ADA) == GRANT - 10
    await service.wait_until_stored("uploads", 0)
    events = await events_of(service, job)
    assert all(f'"stage":"predicting","percent":{percent}' in events for percent in (0, 100))


async def test_large_batches_and_respond_async_become_jobs(
    database: Database, tmp_path: Path, billing: MemoryBilling, model: str
) -> None:
    async with run_service(database, tmp_path, billing, batch_rows_at_once=3) as service:
        requests = [(3, None), (4, None), (3, "wait=1, Respond-Async; x=1"), (3, "respond-asynchronously")]
        answers = [await send(service, model, table(rows), prefer=prefer) for rows, prefer in requests]
        limits = (await service.client.get("/v1/limits")).json()["batch"]
    assert [answer.status_code for answer in answers] == [200, 202, 202, 200]
    applied = [answer.headers.get("Preference-Applied") for answer in answers]
    assert applied == [None, None, "respond-async", None]
    assert answers[1].headers["Location"] == f"/v1/jobs/{answers[1].json()['id']}"
    assert limits == {"rows_at_once": 3, "result_hours": 24}


async def test_concurrent_batches_with_one_key_create_one_job(service: Service, model: str) -> None:
    answers = await asyncio.gather(*(send(service, model, key="twins") for _ in range(3)))
    first = next(answer for answer in answers if answer.status_code == 202)
    assert {answer.status_code for answer in answers} <= {202, 409}
    job = await service.ended(first.json())
    again = await send(service, model, key="twins")
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (job["id"], "true")
    waiting = await send(service, model, key="twins", prefer=None)
    assert (waiting.status_code, waiting.json()["id"]) == (202, job["id"])
    assert len((await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]) == 1
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (GRANT - 5, 0)


async def test_key_of_finished_batch_replays_it_also_with_respond_async(idle: Service, model: str) -> None:
    first = await send(idle, model, key="either", prefer=None)
    again = await send(idle, model, key="either")
    assert (again.status_code, again.content) == (200, first.content)
    assert_problem(await send(idle, model, table(2), key="either"), 422, "idempotency_key_reused")
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT - 5, 0)


async def test_refused_hold_leaves_no_job_and_no_upload(idle: Service, model: str) -> None:
    answer = await send(idle, model, table(20_001), key="dear")
    assert_problem(answer, 402, "not_enough_tokens")
    assert (await idle.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"] == []
    assert idle.stored("uploads") == set()
    assert (await send(idle, model, key="dear")).status_code == 202


async def test_cancelled_batch_costs_nothing(service: Service, model: str) -> None:
    job = await running_batch(service, model)
    assert await cancel(service, job) == 202
    async with asyncio.timeout(5):
        ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"]) == ("cancelled", 0)
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (GRANT + PLENTY, 0)
    assert_problem(await fetch(service, job), 404, "no_result")
    await service.wait_until_stored("uploads", 0)


async def test_batch_survives_killed_workers(service: Service, model: str, cluster: TestCluster) -> None:
    job = await running_batch(service, model)
    for worker in cluster.workers():
        worker.kill()
    ended = await service.ended(job)
    assert (ended["state"], ended["attempts"], ended["tokens_charged"]) == (
        "succeeded",
        2,
        SECONDS_LONG // 200,
    )
    rows = list(csv.DictReader(io.StringIO((await fetch(service, job)).text, newline="")))
    assert (len(rows), {row["prediction"] for row in rows}) == (SECONDS_LONG, {"Adelie"})
    assert service.billing.balance(ADA) == GRANT + PLENTY - SECONDS_LONG // 200


async def test_batch_over_time_limit_costs_nothing(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster, model: str
) -> None:
    limits = {"max_train_seconds": 0.1, "dask_scheduler_address": cluster.address}
    async with run_service(database, tmp_path, billing, **limits) as service:
        billing.grant(ADA, PLENTY)
        job = await service.ended(await start_batch(service, model, table(SECONDS_LONG)))
        assert (job["state"], job["error"]["code"]) == ("failed", "time_limit")
        assert "The batch took longer" in job["error"]["detail"]
        assert_problem(await fetch(service, job), 404, "no_result")
    assert (billing.balance(ADA), billing.held(ADA)) == (GRANT + PLENTY, 0)


async def test_job_fails_without_result_if_tokens_of_expired_hold_are_spent(
    idle: Service, model: str, database: Database, tmp_path: Path, cluster: TestCluster
) -> None:
    job = await start_batch(idle, model)
    idle.billing.expire_all()
    idle.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    ended = await end_elsewhere(job, database, tmp_path, idle.billing, cluster)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "not_enough_tokens")
    assert idle.stored("results") == set()


async def test_batch_fails_if_model_was_deleted(
    idle: Service, model: str, database: Database, tmp_path: Path, cluster: TestCluster
) -> None:
    job = await start_batch(idle, model)
    await idle.client.delete(f"/v1/models/{model}", headers=bearer(ADA))
    ended = await end_elsewhere(job, database, tmp_path, idle.billing, cluster)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "model_gone")
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT, 0)


async def test_result_is_404_for_others_and_409_before_the_end(idle: Service, model: str) -> None:
    job = await start_batch(idle, model)
    assert_problem(await fetch(idle, job, BOB), 404, "job_not_found")
    assert_problem(await fetch(idle, job), 409, "result_pending")


async def test_training_job_has_no_result_file(idle: Service) -> None:
    assert_problem(await fetch(idle, await idle.start()), 404, "no_result")


async def test_sweeper_keeps_files_of_waiting_jobs(
    idle: Service, model: str, database: Database, tmp_path: Path
) -> None:
    await start_batch(idle, model)
    async with run_service(database, tmp_path, idle.billing, orphan_minutes=0):
        orphan = tmp_path / "uploads" / "orphan"
        orphan.write_bytes(b"x")

        async def is_swept() -> bool:
            return not orphan.exists()

        await eventually(is_swept)
        assert len(idle.stored("uploads")) == 1


async def test_result_is_deleted_after_retention(
    service: Service, model: str, sql: asyncpg.Connection, database: Database, tmp_path: Path
) -> None:
    job = await service.ended(await start_batch(service, model))
    async with run_service(database, tmp_path, service.billing, orphan_minutes=0):
        assert (await fetch(service, job)).status_code == 200
        await sql.execute("UPDATE ml.jobs SET ended_at = now() - interval '1 year'")

        async def is_gone() -> bool:
            return service.stored("results") == set()

        await eventually(is_gone)
    assert_problem(await fetch(service, job), 404, "no_result")


async def test_result_of_deleted_user_is_deleted(
    service: Service, model: str, sql: asyncpg.Connection
) -> None:
    await service.ended(await start_batch(service, model))
    await sql.execute("INSERT INTO ml.departed_users (user_id) VALUES ($1)", ADA)

    async def is_gone() -> bool:
        return service.stored("results") == set()

    await eventually(is_gone)


async def test_no_database_connection_waits_while_billing_holds(
    model: str,  # noqa: ARG001 - inserts the model
    database: Database,
    tmp_path: Path,
    sql: asyncpg.Connection,
) -> None:
    billing = UnreliableBilling(faults={"hold": "slow"}, seconds=2)
    billing.grant(ADA, GRANT)
    async with run_service(database, tmp_path, billing) as service:
        ordering = asyncio.create_task(send(service, "1_penguins"))

        async def is_holding() -> bool:
            return billing.met["hold"] == 1

        await eventually(is_holding)
        # Background loops have short transactions of their own.
        await sql.execute("SELECT pg_sleep(1)")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert await sql.fetchval(f"{waiting} AND state_change < clock_timestamp() - interval '0.9 s'") == 0
        assert (await ordering).status_code == 202


@pytest.mark.parametrize("fault", ["lost", "late", "down"])
async def test_order_whose_hold_is_not_answered_costs_nothing(
    model: str,  # noqa: ARG001 - inserts the model
    database: Database,
    tmp_path: Path,
    sql: asyncpg.Connection,
    fault: Fault,
) -> None:
    billing = UnreliableBilling(faults={"hold": fault})
    billing.grant(ADA, GRANT)
    async with run_service(database, tmp_path, billing) as service:
        assert_problem(await send(service, "1_penguins"), 503, "billing_unavailable")
        await billing.apply_late()
        assert (billing.balance(ADA), billing.held(ADA)) == (GRANT, 0)
        assert await sql.fetchval("SELECT count(*) FROM ml.jobs") == 0


async def test_order_that_cannot_be_stored_costs_nothing(
    model: str,  # noqa: ARG001 - inserts the model
    database: Database,
    tmp_path: Path,
    sql: asyncpg.Connection,
) -> None:
    billing = UnreliableBilling(faults={"hold": "slow"}, seconds=0.5)
    billing.grant(ADA, GRANT)
    async with run_service(database, tmp_path, billing) as service:
        ordering = asyncio.create_task(send(service, "1_penguins", key="lost"))

        async def is_holding() -> bool:
            return billing.met["hold"] == 1

        await eventually(is_holding)
        await sql.execute("DELETE FROM ml.idempotency_keys")
        assert_problem(await ordering, 409, "idempotency_twin_running")
        assert (billing.balance(ADA), billing.held(ADA)) == (GRANT, 0)
