"""Inspection of uploads, corrections of column types, and the quota of a user."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.integration.ml.service import ADA, BOB, FILES_OF_A_DATASET, Json, Service, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tables import csv, line_table, typed
from tests.support.tokens import bearer

from ml_service.learning.tables import ColumnType, Table, read_copy

MOST = 3
ZIPS = csv("zip,size,y", *(f"{10_000 + 7 * (n % 12)},{n % 9},{n % 2}" for n in range(60)))


@pytest.fixture
async def small(database: Database, tmp_path: Path, billing: MemoryBilling) -> AsyncIterator[Service]:
    """A service with a small quota."""
    async with run_service(database, tmp_path, billing, max_datasets=MOST) as running:
        yield running


async def patch(service: Service, dataset: Json, **kinds: str) -> httpx.Response:
    url = f"/v1/datasets/{dataset['id']}"
    return await service.client.patch(url, json={"kinds": kinds}, headers=bearer(ADA))


async def post(service: Service, content: bytes, user: int = ADA) -> httpx.Response:
    headers = bearer(user) | {"Content-Type": "text/csv"}
    return await service.client.post("/v1/datasets", content=content, headers=headers)


def _read_copy(service: Service, **types: ColumnType) -> Table:
    (path,) = (service.store / "uploads").glob("*.arrow")
    table = read_copy(path, None, typed(**types))
    assert table is not None
    return table


@pytest.mark.parametrize("details", ["NULL", "details - 'reading'"])
async def test_row_of_an_older_version_is_inspected_when_it_is_read(
    idle: Service, sql: asyncpg.Connection, details: str
) -> None:
    dataset = await idle.upload()
    await sql.execute(f"UPDATE ml.datasets SET details = {details}")  # noqa: S608 - from this file
    shown = await idle.client.get(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))
    assert shown.json() == dataset


async def test_inspection_leaves_a_copy_with_the_corrected_types(idle: Service) -> None:
    dataset = await idle.upload_bytes(ZIPS)
    assert set(_read_copy(idle).columns) == {"zip", "size", "y"}
    await patch(idle, dataset, zip="text")
    assert _read_copy(idle, zip="text").columns["zip"].cells[0].as_py() == "10000"
    assert len(idle.stored("uploads")) == FILES_OF_A_DATASET


@pytest.mark.parametrize("content", [None, b"damaged"])
async def test_missing_or_damaged_copy_is_written_again_by_an_inspection(
    idle: Service, sql: asyncpg.Connection, content: bytes | None
) -> None:
    dataset = await idle.upload()
    (copy,) = (idle.store / "uploads").glob("*.arrow")
    copy.unlink() if content is None else copy.write_bytes(content)
    await sql.execute("UPDATE ml.datasets SET details = NULL")
    shown = await idle.client.get(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))
    assert shown.json() == dataset
    assert set(_read_copy(idle).columns) == {column["name"] for column in dataset["columns"]}


async def test_concurrent_corrections_are_both_stored(idle: Service) -> None:
    dataset = await idle.upload_bytes(ZIPS)
    answers = await asyncio.gather(patch(idle, dataset, zip="text"), patch(idle, dataset, size="text"))
    assert [answer.status_code for answer in answers] == [200, 200]
    shown = (await idle.client.get(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))).json()
    assert [column["kind"] for column in shown["columns"]] == ["text", "text", "number"]


async def test_concurrent_uploads_of_one_file_create_one_dataset(idle: Service) -> None:
    answers = await asyncio.gather(*(post(idle, line_table()) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(idle.stored("uploads")) == FILES_OF_A_DATASET


async def test_findings_of_a_label_are_found_once_for_the_same_types(idle: Service) -> None:
    dataset = await idle.upload_bytes(ZIPS)

    async def status_of(label: str) -> int:
        url = f"/v1/datasets/{dataset['id']}/findings?label={label}"
        return (await idle.client.get(url, headers=bearer(ADA))).status_code

    assert await status_of("y") == 200
    for file in (idle.store / "uploads").iterdir():
        file.unlink()
    assert [await status_of("y"), await status_of("size")] == [200, 409]
    await idle.upload_bytes(ZIPS)
    assert (await patch(idle, dataset, zip="text")).status_code == 200
    for file in (idle.store / "uploads").iterdir():
        file.unlink()
    assert await status_of("y") == 409


class TestQuota:
    async def test_quota_is_published(self, small: Service) -> None:
        limits = (await small.client.get("/v1/limits")).json()
        assert limits["datasets"] == {"count": MOST} | limits["storage"]

    async def test_quota_is_exact_for_concurrent_uploads(self, small: Service) -> None:
        answers = await asyncio.gather(*(post(small, line_table(n)) for n in range(10, 18)))
        refused = [answer.json()["code"] for answer in answers if answer.status_code != 201]
        assert refused == ["dataset_quota_reached"] * (8 - MOST)
        assert len(small.stored("uploads")) == MOST * FILES_OF_A_DATASET

    async def test_existing_file_is_accepted_at_the_quota(self, small: Service) -> None:
        first = [await small.upload_bytes(line_table(n)) for n in (10, 11, 12)]
        assert (await post(small, line_table(11))).json()["id"] == first[1]["id"]

    async def test_quota_is_per_user_and_deletion_frees_it(self, small: Service) -> None:
        uploaded = [await small.upload_bytes(line_table(n)) for n in (10, 11, 12)]
        assert (await post(small, line_table(13), BOB)).status_code == 201
        await small.client.delete(f"/v1/datasets/{uploaded[0]['id']}", headers=bearer(ADA))
        assert (await post(small, line_table(13))).status_code == 201
