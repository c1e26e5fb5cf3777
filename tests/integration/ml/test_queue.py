"""Whose job is begun next, and what owners are told while they wait."""

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


async def claim(service: Service, slots: int = 100, most_of_a_user: int = NO_LIMIT) -> int | None:
    """The id of the job that a replica would carry out now; from then on it is running."""
    database: ServiceDatabase = service.app.state.container.database
    async with database.transaction() as session:
        job = await LeaseRepository(session, 60).claim(slots, most_of_a_user)
    return job.id if job is not None else None


async def order_many(service: Service, *users: int) -> list[int]:
    """The ids of their jobs, in this order."""
    datasets = {user: (await service.upload(user=user))["id"] for user in set(users)}
    return [(await service.start(user, dataset_id=datasets[user]))["id"] for user in users]


async def test_many_jobs_of_one_user_do_not_hold_up_anothers_first(idle: Service) -> None:
    first, second, *_, bobs = await order_many(idle, *[ADA] * 10, BOB)
    assert [await claim(idle) for _ in range(3)] == [first, bobs, second]


async def test_workers_begin_anothers_first_job_before_the_rest_of_a_crowd(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    async with run_service(database, tmp_path, billing) as idle:
        *adas, bobs = await order_many(idle, *[ADA] * 6, BOB)
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as service:
        jobs = [await service.ended({"id": each}, ADA) for each in adas]
        jobs.append(await service.ended({"id": bobs}, BOB))
    begun = [job["id"] for job in sorted(jobs, key=lambda job: job["started_at"])]
    assert begun.index(bobs) < 3
    assert {job["state"] for job in jobs} == {"succeeded"}


async def test_no_more_jobs_run_than_there_are_workers(idle: Service) -> None:
    await order_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, slots=2) is None for _ in range(3)] == [False, False, True]


async def test_a_job_on_two_workers_leaves_one_less_for_others(
    idle: Service, sql: asyncpg.Connection
) -> None:
    await order_many(idle, ADA, BOB)
    await claim(idle, slots=2)
    await sql.execute("UPDATE ml.jobs SET workers = 2 WHERE state = 'running'")
    assert await claim(idle, slots=2) is None


async def test_of_one_user_no_more_run_than_the_limit(idle: Service) -> None:
    first, _, bobs = await order_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, most_of_a_user=1) for _ in range(3)] == [first, bobs, None]


async def test_the_limit_is_published(idle: Service) -> None:
    limits = (await idle.client.get("/v1/limits")).json()
    assert limits["jobs"] == {"running_per_user": 10}


async def test_a_waiting_job_is_told_its_place(idle: Service) -> None:
    adas_first, adas_second, bobs = await order_many(idle, ADA, ADA, BOB)
    places = {
        adas_first: (await idle.job(adas_first))["queue_position"],
        adas_second: (await idle.job(adas_second))["queue_position"],
        bobs: (await idle.job(bobs, BOB))["queue_position"],
    }
    assert places == {adas_first: 1, bobs: 2, adas_second: 3}


async def test_the_list_tells_places_too(idle: Service) -> None:
    await order_many(idle, ADA, ADA)
    listed = (await idle.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
    assert [each["queue_position"] for each in listed] == [2, 1]


async def test_before_any_job_was_like_it_no_time_is_made_up(idle: Service) -> None:
    job = await idle.start()
    assert (job["queue_position"], job["estimated_seconds"]) == (1, None)


async def test_a_running_job_is_expected_to_take_as_long_as_those_like_it(
    idle: Service, sql: asyncpg.Connection
) -> None:
    past, job = await order_many(idle, ADA, ADA)
    await sql.execute(
        "UPDATE ml.jobs SET state = 'succeeded', result = '{}', receipt_id = '1',"
        " started_at = now() - interval '100 s', ended_at = now() WHERE id = $1",
        past,
    )
    assert await claim(idle) == job
    told = await idle.job(job)
    assert told["queue_position"] is None
    assert told["estimated_seconds"] == pytest.approx(100, abs=5)


async def test_an_ended_job_has_nothing_to_wait_for(service: Service) -> None:
    job = await service.train()
    assert (job["kind"], job["queue_position"], job["estimated_seconds"]) == ("train", None, None)
