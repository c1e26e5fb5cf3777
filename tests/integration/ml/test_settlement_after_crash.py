"""Settlement after a crash: an attempt with a recorded outcome is not repeated; each end is counted."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import REGISTRY
from tests.integration.ml.service import Service, eventually, run_service
from tests.integration.ml.test_batch_jobs import start_batch
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database

from ml_service.jobs.context import Progress
from ml_service.store.uploads import Uploads


async def test_finished_fit_is_not_repeated_after_replica_stops(
    database: Database,
    tmp_path: Path,
    billing: MemoryBilling,
    cluster: TestCluster,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wait_forever(_progress: Progress) -> None:
        await asyncio.Event().wait()

    async def is_recorded() -> bool:
        return await sql.fetchval("SELECT result IS NOT NULL FROM ml.jobs WHERE id = $1", job["id"])

    with monkeypatch.context() as slow:
        slow.setattr(Progress, "flush", wait_forever)
        async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as first:
            job = await first.start()
            await eventually(is_recorded)
    assert await sql.fetchval("SELECT state FROM ml.jobs WHERE id = $1", job["id"]) == "queued"
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as second:
        ended = await second.ended(job)
    assert (ended["state"], ended["attempts"], ended["tokens_charged"]) == ("succeeded", 1, 1)


async def test_job_end_is_counted_before_slow_deletion_of_rows(
    service: Service, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Uploads.delete

    async def delete_slowly(uploads: Uploads, location: str) -> None:
        await asyncio.sleep(0.5)
        await delete(uploads, location)

    def counted() -> float:
        labels = {"kind": "batch", "outcome": "succeeded"}
        return REGISTRY.get_sample_value("farebox_jobs_ended_total", labels) or 0

    monkeypatch.setattr(Uploads, "delete", delete_slowly)
    before = counted()
    await service.ended(await start_batch(service, model))

    async def is_counted() -> bool:
        return counted() == before + 1

    await eventually(is_counted, 10)
