"""The queue: order of claims, and estimates for the owners of waiting jobs."""

from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Service, run_service
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from kit.database import Database as ServiceDatabase
from ml_service.jobs.lease_repository import LeaseRepository

NO_LIMIT = 100


async def claim(service: Service, slots: int = 100, max_per_user: int = NO_LIMIT) -> int | None:
    """Claim the next job as a replica; returns its id."""
    database: ServiceDatabase = service.app.state.container.database
    async with database.transaction() as session:
        job = await LeaseRepository(session, 60).claim(slots, max_per_user)
    return job.id if job is not None else None


async def start_many(service: Service, *users: int) -> list[int]:
    """Start a job for each user, in this order; returns the ids."""
    datasets = {user: (await service.upload(user=user))["id"] for user in set(users)}
    return [(await service.start(user, dataset_id=datasets[user]))["id"] for user in users]


async def test_many_jobs_of_one_user_do_not_delay_another_users_first(idle: Service) -> None:
    first, second, *_, bobs = await start_many(idle, *[ADA] * 10, BOB)
    assert [await claim(idle) for _ in range(3)] == [first, bobs, second]


async def test_another_users_first_job_starts_before_the_rest_of_a_queue(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    async with run_service(database, tmp_path, billing) as idle:
        *adas, bobs = await start_many(idle, *[ADA] * 6, BOB)
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as service:
        jobs = [await service.ended({"id": job_id}, ADA) for job_id in adas]
        jobs.append(await service.ended({"id": bobs}, BOB))
    started = [job["id"] for job in sorted(jobs, key=lambda job: job["started_at"])]
    assert started.index(bobs) < 3
    assert {job["state"] for job in jobs} == {"succeeded"}


async def test_running_jobs_are_limited_by_workers(idle: Service) -> None:
    await start_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, slots=2) is None for _ in range(3)] == [False, False, True]


async def test_job_on_two_workers_counts_twice(idle: Service, sql: asyncpg.Connection) -> None:
    await start_many(idle, ADA, BOB)
    await claim(idle, slots=2)
    await sql.execute("UPDATE ml.jobs SET workers = 2 WHERE state = 'running'")
    assert await claim(idle, slots=2) is None


async def test_running_jobs_are_limited_per_user(idle: Service) -> None:
    first, _, bobs = await start_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, max_per_user=1) for _ in range(3)] == [first, bobs, None]


async def test_limits_show_running_jobs_per_user(idle: Service) -> None:
    limits = (await idle.client.get("/v1/limits")).json()
    assert limits["jobs"] == {"running_per_user": 10}


async def test_waiting_job_shows_queue_position(idle: Service) -> None:
    adas_first, adas_second, bobs = await start_many(idle, ADA, ADA, BOB)
    positions = {
        adas_first: (await idle.job(adas_first))["queue_position"],
        adas_second: (await idle.job(adas_second))["queue_position"],
        bobs: (await idle.job(bobs, BOB))["queue_position"],
    }
    assert positions == {adas_first: 1, bobs: 2, adas_second: 3}


async def test_job_list_shows_queue_positions(idle: Service) -> None:
    await start_many(idle, ADA, ADA)
    listed = (await idle.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
    assert [job["queue_position"] for job in listed] == [2, 1]


async def test_estimate_is_null_without_similar_jobs(idle: Service) -> None:
    job = await idle.start()
    assert (job["queue_position"], job["estimated_seconds"]) == (1, None)


async def test_running_job_is_estimated_by_similar_jobs(idle: Service, sql: asyncpg.Connection) -> None:
    past, job = await start_many(idle, ADA, ADA)
    await sql.execute(
        "UPDATE ml.jobs SET state = 'succeeded', result = '{}', receipt_id = '1',"
        " started_at = now() - interval '100 s', ended_at = now() WHERE id = $1",
        past,
    )
    assert await claim(idle) == job
    running = await idle.job(job)
    assert running["queue_position"] is None
    assert running["estimated_seconds"] == pytest.approx(100, abs=5)


async def test_ended_job_has_no_estimate(service: Service) -> None:
    job = await service.train()
    assert (job["kind"], job["queue_position"], job["estimated_seconds"]) == ("train", None, None)
