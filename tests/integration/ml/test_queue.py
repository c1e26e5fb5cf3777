"""The queue: order of claims, and estimates for the owners of waiting jobs."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Service, eventually, run_service
from tests.integration.ml.test_crash_recovery import MINUTES_LONG, cancel, random_table
from tests.integration.ml.test_job_feed import counting
from tests.support.billing import until_waiting
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from kit.database import Database as ServiceDatabase
from ml_service.jobs.lease_repository import LeaseLost, LeaseRepository, Turn
from ml_service.orm import Job

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


async def test_claims_wait_for_each_other(idle: Service, sql: asyncpg.Connection) -> None:
    """Two at once would count the same worker as free."""
    await start_many(idle, ADA, BOB)
    database: ServiceDatabase = idle.app.state.container.database
    async with database.transaction() as session:
        assert await LeaseRepository(session, 60).claim(1, NO_LIMIT) is not None
        second = asyncio.create_task(claim(idle, slots=1))
        await until_waiting(sql)
    assert await second is None


async def test_replica_without_the_lease_does_not_get_the_job(idle: Service, sql: asyncpg.Connection) -> None:
    (job,) = await start_many(idle, ADA)
    await claim(idle)
    lease = await sql.fetchval("SELECT lease FROM ml.jobs")
    await sql.execute("UPDATE ml.jobs SET lease = gen_random_uuid()")
    async with idle.app.state.container.database.transaction() as session:
        with pytest.raises(LeaseLost):
            await LeaseRepository(session, 60).get_leased(job, lease)


async def test_job_on_two_workers_counts_twice(idle: Service, sql: asyncpg.Connection) -> None:
    first, _ = await start_many(idle, ADA, BOB)
    assert await claim(idle, slots=2) == first
    await sql.execute("UPDATE ml.jobs SET workers = 2 WHERE state = 'running'")
    assert await claim(idle, slots=2) is None


async def test_running_jobs_are_limited_per_user(idle: Service) -> None:
    first, _, bobs = await start_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, max_per_user=1) for _ in range(3)] == [first, bobs, None]


async def test_long_jobs_leave_a_worker_to_short_ones(idle: Service, sql: asyncpg.Connection) -> None:
    *long, short = await start_many(idle, ADA, ADA, BOB, BOB)
    await sql.execute("UPDATE ml.jobs SET duration = 'long'")
    await sql.execute("UPDATE ml.jobs SET duration = 'short' WHERE id = $1", short)
    claimed = [await claim(idle, slots=3) for _ in range(4)]
    assert claimed == [long[0], long[2], short, None]


async def test_job_of_unknown_duration_takes_a_reserved_worker_only_as_the_first_of_its_user(
    idle: Service,
) -> None:
    adas_first, _, bobs = await start_many(idle, ADA, ADA, BOB)
    assert [await claim(idle, slots=2) for _ in range(3)] == [adas_first, bobs, None]


async def test_second_job_of_unknown_duration_leaves_the_reserved_worker_free(idle: Service) -> None:
    first, _ = await start_many(idle, ADA, ADA)
    assert [await claim(idle, slots=2) for _ in range(2)] == [first, None]


async def test_the_only_worker_is_not_reserved(idle: Service, sql: asyncpg.Connection) -> None:
    (job,) = await start_many(idle, ADA)
    await sql.execute("UPDATE ml.jobs SET duration = 'long'")
    assert await claim(idle, slots=1) == job


async def test_user_who_started_a_job_last_waits_for_the_others(idle: Service) -> None:
    adas_first, adas_second, bobs = await start_many(idle, ADA, ADA, BOB)
    assert await claim(idle) == adas_first
    await end(idle, adas_first)
    assert [await claim(idle), await claim(idle)] == [bobs, adas_second]


async def end(service: Service, job_id: int) -> None:
    """End a claimed job as cancelled."""
    async with service.app.state.container.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        await LeaseRepository(session, 60).cancel(job)


async def decide_turn(service: Service, job_id: int, slots: int) -> Turn:
    """Decide about a claimed job whose time as a short one is over."""
    async with service.app.state.container.database.transaction() as session:
        leases = LeaseRepository(session, 60)
        lease = (await session.get_one(Job, job_id)).lease
        assert lease is not None
        return await leases.continue_overdue(job_id, lease, slots)


async def test_overdue_job_continues_as_a_long_one_while_one_more_has_room(idle: Service) -> None:
    first, _ = await start_many(idle, ADA, BOB)
    await claim(idle, slots=2)
    assert await decide_turn(idle, first, slots=2) == "long"


async def test_overdue_job_continues_until_another_user_waits(idle: Service, sql: asyncpg.Connection) -> None:
    long, overdue, _ = await start_many(idle, ADA, ADA, ADA)
    await sql.execute("UPDATE ml.jobs SET duration = 'short' WHERE id = $1", overdue)
    assert [await claim(idle, slots=2), await claim(idle, slots=2)] == [long, overdue]
    assert await decide_turn(idle, overdue, slots=2) == "wait"
    (bobs,) = await start_many(idle, BOB)
    assert await decide_turn(idle, overdue, slots=2) == "over"
    assert await claim(idle, slots=2) is None
    await demote(idle, overdue)
    assert await claim(idle, slots=2) == bobs


async def test_overdue_job_does_not_make_room_for_a_user_with_as_many_workers(idle: Service) -> None:
    """Else a small training on a busy machine would end behind the long ones."""
    adas, bobs, _ = await start_many(idle, ADA, BOB, ADA)
    assert [await claim(idle, slots=2), await claim(idle, slots=2)] == [adas, bobs]
    assert await decide_turn(idle, bobs, slots=2) == "wait"


async def demote(service: Service, job_id: int) -> None:
    async with service.app.state.container.database.transaction() as session:
        await LeaseRepository(session, 60).demote(await session.get_one(Job, job_id))


async def test_job_that_made_room_is_queued_as_a_long_one_without_a_lost_attempt(
    idle: Service, sql: asyncpg.Connection
) -> None:
    (job,) = await start_many(idle, ADA)
    await claim(idle)
    await demote(idle, job)
    row = await sql.fetchrow("SELECT state, duration, attempts FROM ml.jobs WHERE id = $1", job)
    assert row is not None
    assert tuple(row) == ("queued", "long", 0)


@pytest.mark.parametrize(("seconds", "duration"), [(2, "short"), (20, "unknown"), (100, "long")])
async def test_duration_is_that_of_similar_jobs(
    idle: Service, sql: asyncpg.Connection, seconds: int, duration: str
) -> None:
    await start_many(idle, ADA)
    await sql.execute(
        "UPDATE ml.jobs SET state = 'succeeded', result = '{}', receipt_id = '1', ended_at = now(),"
        " started_at = now() - make_interval(secs => $1)",
        seconds,
    )
    similar = (await idle.start(BOB))["id"]
    other = (await idle.start(BOB, type="knn"))["id"]
    comparison = (await idle.start(BOB, type="auto"))["id"]
    rows = await sql.fetch("SELECT id, duration FROM ml.jobs WHERE user_id = $1", BOB)
    durations = {row["id"]: row["duration"] for row in rows}
    assert durations == {similar: duration, other: "unknown", comparison: "long"}


async def test_small_training_runs_while_long_ones_occupy_their_workers(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as service:
        dataset = (await service.upload_bytes(random_table(20_000)))["id"]
        heavy = {"dataset_id": dataset, "type": "random_forest", "label": "y", "params": MINUTES_LONG}
        jobs = [await service.start(**heavy) for _ in range(3)]
        await eventually(lambda: _two_run(service))
        # The long ones take minutes.
        async with asyncio.timeout(60):
            small = await service.train(BOB, type="linear", label="body_mass_g", missing_label="drop")
        running = [(await service.job(job["id"]))["state"] == "running" for job in jobs]
        for job in jobs:
            await cancel(service, job)
            await service.ended(job)
    assert small["state"] == "succeeded"
    assert running.count(True) == 2


async def _two_run(service: Service) -> bool:
    jobs = (await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
    return sum(job["state"] == "running" for job in jobs) == 2


async def test_user_with_a_full_queue_is_refused_and_others_are_not(
    database: Database, tmp_path: Path, billing: MemoryBilling
) -> None:
    async with run_service(database, tmp_path, billing, max_queued_jobs=2) as service:
        dataset = (await service.upload())["id"]
        requests = (service.request_training(dataset_id=dataset) for _ in range(4))
        answers = await asyncio.gather(*requests)
        refused = [answer for answer in answers if answer.status_code != 202]
        others = await service.request_training(BOB)
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (429, "too_many_jobs_queued")
    ] * 2
    assert refused[0].json()["limit"] == 2
    assert int(refused[0].headers["retry-after"]) > 0
    assert others.status_code == 202
    assert (billing.held(ADA), billing.held(BOB)) == (2, 1)


async def test_many_requests_about_one_queue_estimate_it_once(idle: Service) -> None:
    job = await idle.start()
    with counting(idle, "lateral") as statements:
        shown = await asyncio.gather(*(idle.job(job["id"]) for _ in range(50)))
    assert {each["queue_position"] for each in shown} == {1}
    # At most one estimate in a second.
    assert len(statements) <= 2


async def test_limits_show_running_and_queued_jobs_per_user(idle: Service) -> None:
    limits = (await idle.client.get("/v1/limits")).json()
    assert limits["jobs"] == {"running_per_user": 10, "queued_per_user": 100}


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
