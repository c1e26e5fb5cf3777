"""Datasets that vanish or appear under a request: 2xx, 404 or 409, and no request takes what another uses."""

import asyncio
import contextvars
import os
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration.ml.events import deliver, event
from tests.integration.ml.service import ADA, DATA, Result, Service, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tables import csv
from tests.support.tokens import bearer

from kit.errors import Unavailable
from kit.identity import UserId
from ml_service.container import Container
from ml_service.datasets.bodies import UploadForm
from ml_service.datasets.service import ReceivedDataset
from ml_service.store.uploads import Upload

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


class TestUploadThatStoodStill:
    """As of a suspended process: its file is older than the sweeper leaves files without a row."""

    async def test_whose_file_was_swept_adds_no_row(self, idle: Service, sql: asyncpg.Connection) -> None:
        async def add_after_a_sweep(container: Container) -> None:
            async with container.datasets.receiving(UserId(ADA), read) as received:
                for file in (idle.store / "uploads").iterdir():
                    file.unlink()
                await insert(container, received)

        with pytest.raises(Unavailable, match="send it again"):
            await as_first_request(add_after_a_sweep(idle.app.state.container))
        assert await sql.fetchval("SELECT count(*) FROM ml.datasets") == 0
        assert (await post(idle)).status_code == 201

    async def test_whose_batch_file_was_swept_starts_no_job(
        self, idle: Service, model: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def sweep_first(upload: Upload, session: AsyncSession) -> None:
            (idle.store / upload.key).unlink()
            await require(upload, session)

        require = Upload.require_stored
        monkeypatch.setattr(Upload, "require_stored", sweep_first)
        headers = bearer(ADA) | {"Content-Type": "text/csv", "Prefer": "respond-async"}
        rows = (DATA / "penguins.csv").read_bytes()
        answer = await idle.client.post(f"/v1/models/{model}/batch", content=rows, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
        assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (100, 0)

    async def test_whose_row_is_being_added_keeps_its_file(
        self, database: Database, tmp_path: Path, billing: MemoryBilling
    ) -> None:
        async def add_beside_a_sweep(container: Container) -> str:
            async with container.datasets.receiving(UserId(ADA), read) as received:
                os.utime(tmp_path / received.dataset.location, (0, 0))
                async with container.database.transaction() as session:
                    await received.insert(session)
                    sweeping = asyncio.create_task(container.sweeper.sweep())
                    done, _ = await asyncio.wait([sweeping], timeout=1)
                await sweeping
            assert not done
            return received.dataset.location.partition("/")[2]

        async with run_service(database, tmp_path, billing, sweep_seconds=3600) as service:
            name = await as_first_request(add_beside_a_sweep(service.app.state.container))
            assert name in service.stored("uploads")


async def as_first_request(work: Coroutine[None, None, Result]) -> Result:
    """Not in the context of the fixture's requests, whose clients have left."""
    return await asyncio.create_task(work, context=contextvars.Context())


async def read(upload: Upload) -> UploadForm:
    await upload.write(TABLE)
    return UploadForm({}, "table.csv")


async def insert(container: Container, received: ReceivedDataset) -> None:
    async with container.database.transaction() as session:
        await received.insert(session)
