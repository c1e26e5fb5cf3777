"""Connections to the database: none waits for billing, or for another request of the same user."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Service, run_service
from tests.integration.ml.test_crash_recovery import MINUTES_LONG, start_fit
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from kit.database import Database as ServiceDatabase
from kit.deadlines import HEADER
from kit.identity import UserId
from ml_service.billing.port import Charge, Hold

ORDERS = 10
LEASE_SECONDS = 2


async def never_answer(_charge: Charge, _seconds: int) -> Hold:
    return await asyncio.Event().wait()  # pyright: ignore[reportReturnType] - it never returns


async def test_other_routes_answer_while_ten_orders_wait_for_billing(
    idle: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = (await idle.upload())["id"]
    job = await idle.start(BOB)
    monkeypatch.setattr(idle.billing, "hold", never_answer)
    orders = [asyncio.create_task(idle.request_training(dataset_id=dataset)) for _ in range(ORDERS)]
    try:
        await asyncio.wait(orders, timeout=0.5)
        began = time.monotonic()
        assert (await idle.client.get("/v1/datasets", headers=bearer(BOB))).status_code == 200
        cancelled = await idle.client.post(f"/v1/jobs/{job['id']}/cancel", headers=bearer(BOB))
        assert cancelled.status_code == 202
        assert time.monotonic() - began < 1
        assert not any(order.done() for order in orders)
    finally:
        for order in orders:
            order.cancel()
        await asyncio.gather(*orders, return_exceptions=True)


async def test_lease_is_renewed_while_all_other_connections_are_in_use(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster, sql: asyncpg.Connection
) -> None:
    settings = {"dask_scheduler_address": cluster.address, "lease_seconds": LEASE_SECONDS}
    async with run_service(database, tmp_path, billing, **settings) as service:
        job = await start_fit(service, 20_000, MINUTES_LONG)
        own: ServiceDatabase = service.app.state.container.database
        holders = [asyncio.create_task(occupy(own)) for _ in range(20)]
        try:
            for _ in range(3):
                await asyncio.sleep(LEASE_SECONDS)
                row = await sql.fetchrow(
                    "SELECT attempts, lease_until > now() AS leased FROM ml.jobs WHERE id = $1", job["id"]
                )
                assert row is not None
                assert (row["attempts"], row["leased"]) == (1, True)
        finally:
            for holder in holders:
                holder.cancel()
            await asyncio.gather(*holders, return_exceptions=True)


async def occupy(database: ServiceDatabase) -> None:
    """Keep a connection of the pool in use."""
    while True:
        async with database.transaction() as session:
            await session.connection()
            await asyncio.sleep(60)


async def test_refused_insertion_releases_the_hold(idle: Service) -> None:
    await idle.start(name="mine")
    assert (await idle.request_training(name="mine")).status_code == 409
    assert (idle.billing.calls.count("hold"), idle.billing.calls.count("release")) == (2, 1)
    assert idle.billing.held(ADA) == 1


async def test_requests_that_wait_for_another_of_their_user_occupy_no_connections(
    idle: Service, sql: asyncpg.Connection
) -> None:
    ada, bob = (await idle.upload(user=ADA))["id"], (await idle.upload(user=BOB))["id"]
    async with sql.transaction():
        # As a transaction of another replica does that inserts a job of Ada's.
        await sql.execute("SELECT pg_advisory_xact_lock(hashtextextended('jobs', $1))", ADA)
        waiting = [asyncio.create_task(idle.request_training(ADA, dataset_id=ada)) for _ in range(20)]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        assert (await idle.request_training(BOB, dataset_id=bob)).status_code == 202
        assert time.monotonic() - began < 2
        assert not any(request.done() for request in waiting)
    answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} <= {202, 429}


async def test_request_whose_turn_comes_too_late_has_no_effect(
    idle: Service, sql: asyncpg.Connection
) -> None:
    dataset = (await idle.upload())["id"]
    own: ServiceDatabase = idle.app.state.container.database
    body = {"type": "logistic", "label": "species", "dataset_id": dataset}
    headers = bearer(ADA) | {HEADER: "500"}
    async with own.turn_of(UserId(ADA)):
        late = asyncio.create_task(idle.client.post("/v1/models", json=body, headers=headers))
        await asyncio.sleep(1)
    answer = await late
    assert (answer.status_code, answer.json()["code"]) == (503, "deadline_passed")
    assert await sql.fetchval("SELECT count(*) FROM ml.jobs") == 0
    assert idle.billing.held(ADA) == 0
