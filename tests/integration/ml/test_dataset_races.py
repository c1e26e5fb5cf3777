"""Datasets that vanish or appear under a request: 2xx, 404 or 409, and no request takes what another uses."""

import asyncio
from datetime import timedelta

import asyncpg
import httpx
from tests.integration.ml.service import ADA, Service
from tests.integration.ml.test_accounts import deliver, event
from tests.support.tables import csv
from tests.support.tokens import bearer

TABLE = csv("x,y", *(f"{n},{n % 7}" for n in range(50)))
ROUNDS = 15


async def post(service: Service, content: bytes = TABLE, **headers: str) -> httpx.Response:
    sent = bearer(ADA) | {"Content-Type": "text/csv"} | headers
    return await service.client.post("/v1/datasets", content=content, headers=sent)


async def delete(service: Service, dataset_id: int) -> httpx.Response:
    return await service.client.delete(f"/v1/datasets/{dataset_id}", headers=bearer(ADA))


async def test_dataset_of_a_job_that_is_being_inserted_is_in_use(
    idle: Service, sql: asyncpg.Connection
) -> None:
    dataset = await idle.upload_bytes(TABLE)
    async with sql.transaction(), asyncio.timeout(2):
        await sql.execute("SELECT 1 FROM ml.datasets WHERE id = $1 FOR KEY SHARE", dataset["id"])
        refused = await delete(idle, dataset["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
    assert (await delete(idle, dataset["id"])).status_code == 204


async def test_upload_beside_the_deletion_of_its_twin_is_stored(idle: Service) -> None:
    async def upload() -> int:
        answer = await post(idle)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["id"]

    for _ in range(ROUNDS):
        first = await upload()
        *_, deleted = await asyncio.gather(upload(), upload(), delete(idle, first))
        assert deleted.status_code in (204, 409)


async def test_concurrent_uploads_under_one_key_are_one_dataset_and_a_refusal(idle: Service) -> None:
    other = TABLE + b"3,3\n"
    answers = await asyncio.gather(
        *(post(idle, content, **{"Idempotency-Key": "k"}) for content in (TABLE, other, TABLE, other))
    )
    assert sorted(answer.status_code for answer in answers)[-2:] == [422, 422]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {
        "idempotency_key_reused"
    }
    stored = (await idle.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"]
    assert len(stored) == 1


async def test_deletion_of_a_user_waits_for_a_job_that_is_being_inserted(
    idle: Service, sql: asyncpg.Connection
) -> None:
    dataset = await idle.upload_bytes(TABLE)
    sweeper = idle.app.state.container.sweeper
    async with sql.transaction():
        await sql.execute("SELECT 1 FROM ml.datasets WHERE id = $1 FOR KEY SHARE", dataset["id"])
        await deliver(idle, event("user_deleted", user_id=ADA))
        async with asyncio.timeout(2):
            await sweeper.sweep()
        assert await sql.fetchval("SELECT count(*) FROM ml.datasets") == 1
    await sweeper.sweep()
    assert await sql.fetchval("SELECT count(*) FROM ml.datasets") == 0
    assert idle.stored("uploads") == set()


async def test_deletion_of_a_user_keeps_the_dataset_of_a_live_job_until_it_has_ended(
    idle: Service, sql: asyncpg.Connection
) -> None:
    job = await idle.start()
    sweeper = idle.app.state.container.sweeper
    # Another transaction has the job, so that it is not cancelled in this round.
    async with sql.transaction():
        await sql.execute("SELECT 1 FROM ml.jobs WHERE id = $1 FOR UPDATE", job["id"])
        await deliver(idle, event("user_deleted", user_id=ADA))
        async with asyncio.timeout(2):
            await sweeper.sweep()
        assert await sql.fetchval("SELECT count(*) FROM ml.datasets") == 1

    async with asyncio.timeout(timedelta(seconds=30).seconds):
        while await sql.fetchval("SELECT count(*) FROM ml.datasets") == 1:
            await sweeper.sweep()
            await asyncio.sleep(0.1)
    assert await sql.fetchval("SELECT count(*) FROM ml.jobs") == 0
    assert idle.billing.held(ADA) == 0
