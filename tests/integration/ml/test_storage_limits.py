"""Storage: one quota of bytes for each user, and disks that are full, nearly full, or read-only."""

import errno
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.integration.ml.service import ADA, BOB, DATA, PENGUIN, Service, run_service
from tests.support.disks import SmallDisk, small_disk
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tables import csv
from tests.support.tokens import bearer

from ml_service.store.files import Files

MEBIBYTE = 1024 * 1024
TABLE = csv("x,y", *(f"{n},{n % 7}" for n in range(1000)))
# Larger than what is left of a filled disk.
LARGE_TABLE = csv("x,y", *(f"{n},{n * n}" for n in range(60_000)))
PENGUINS = DATA / "penguins.csv"
QUOTA = 200_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path / "disk", 16 * MEBIBYTE) as disk:
            yield disk
    except PermissionError as error:
        pytest.skip(f"Mounting needs root: {error}")


@pytest.fixture
async def on_disk(database: Database, disk: SmallDisk, billing: MemoryBilling) -> AsyncIterator[Service]:
    """A service that uses its small disk to the last byte."""
    async with run_service(database, disk.path, billing, min_free_bytes=0, min_free_percent=0) as running:
        yield running


@pytest.fixture
async def small(database: Database, tmp_path: Path, billing: MemoryBilling) -> AsyncIterator[Service]:
    async with run_service(database, tmp_path, billing, max_stored_bytes=QUOTA) as running:
        yield running


async def post(service: Service, content: bytes, user: int = ADA) -> httpx.Response:
    headers = bearer(user) | {"Content-Type": "text/csv"}
    return await service.client.post("/v1/datasets", content=content, headers=headers)


async def predict_file(service: Service, model: str) -> httpx.Response:
    headers = bearer(ADA) | {"Content-Type": "text/csv"}
    content = PENGUINS.read_bytes()
    return await service.client.post(f"/v1/models/{model}/batch", content=content, headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestQuota:
    async def test_it_is_published(self, small: Service) -> None:
        limits = (await small.client.get("/v1/limits")).json()
        assert limits["storage"] == {"bytes": QUOTA}

    async def test_models_and_results_count(self, small: Service, sql: asyncpg.Connection) -> None:
        assert (await post(small, TABLE)).status_code == 201
        stored = await sql.fetchval("SELECT size_bytes + copy_bytes FROM ml.datasets")
        assert stored > len(TABLE)
        await sql.execute(
            "INSERT INTO ml.models (user_id, name, model_type, size_bytes) VALUES ($1, 'm', 'knn', 60000)",
            ADA,
        )
        await sql.execute(
            "INSERT INTO ml.idempotency_keys (scope, key, fingerprint, answer, location, lease_until)"
            " VALUES ($1, 'k', $2, $3, 'results/1', now())",
            str(ADA),
            bytes(32),
            b'{"size_bytes": 80000}',
        )
        answer = await post(small, TABLE + b"1,2\n" * 15_000)
        assert refusal(answer) == (409, "storage_quota_reached")
        assert answer.json()["stored_bytes"] == stored + 140_000
        assert len(small.stored("uploads")) == 2
        assert (await post(small, TABLE, BOB)).status_code == 201

    async def test_user_above_it_starts_no_training_and_no_batch(
        self, small: Service, model: str, sql: asyncpg.Connection
    ) -> None:
        dataset = (await post(small, TABLE)).json()
        await sql.execute("UPDATE ml.models SET size_bytes = $1", QUOTA + 1)
        training = await small.request_training(dataset_id=dataset["id"], label="y", type="linear")
        assert refusal(training) == (409, "storage_quota_reached")
        assert refusal(await predict_file(small, model)) == (409, "storage_quota_reached")
        assert refusal(await post(small, TABLE + b"5,5\n")) == (409, "storage_quota_reached")
        # An equal file needs no room.
        assert (await post(small, TABLE)).status_code == 200
        assert small.billing.balance(ADA) == 100


class TestFullDisk:
    async def test_upload_is_refused_leaves_nothing_and_works_again_with_room(
        self, on_disk: Service, disk: SmallDisk
    ) -> None:
        disk.fill(but_bytes=64 * 1024)
        assert refusal(await post(on_disk, LARGE_TABLE)) == (507, "storage_full")
        assert on_disk.stored("uploads") == set()
        disk.make_room()
        assert (await post(on_disk, LARGE_TABLE)).status_code == 201

    async def test_file_without_room_for_its_copy_is_accepted(
        self, on_disk: Service, disk: SmallDisk
    ) -> None:
        disk.fill(but_bytes=len(TABLE) + 8 * 1024)
        assert (await post(on_disk, TABLE)).status_code == 201
        assert len(on_disk.stored("uploads")) == 1

    async def test_result_is_not_charged_and_leaves_nothing(
        self, on_disk: Service, idle: Service, disk: SmallDisk, model: str
    ) -> None:
        shutil.copytree(idle.store / "artefacts", disk.path / "artefacts")
        disk.fill(but_bytes=PENGUINS.stat().st_size + 8 * 1024)
        assert refusal(await predict_file(on_disk, model)) == (507, "storage_full")
        assert on_disk.stored("results") == set()
        assert (on_disk.billing.balance(ADA), on_disk.billing.held(ADA)) == (100, 0)
        disk.make_room()
        assert (await predict_file(on_disk, model)).status_code == 200


async def test_new_work_is_refused_while_too_little_room_is_left(
    database: Database, disk: SmallDisk, billing: MemoryBilling
) -> None:
    async with run_service(database, disk.path, billing, min_free_bytes=8 * MEBIBYTE) as service:
        dataset = (await post(service, TABLE)).json()
        disk.fill(but_bytes=4 * MEBIBYTE)
        assert refusal(await post(service, TABLE)) == (507, "storage_full")
        training = await service.request_training(dataset_id=dataset["id"], label="y", type="linear")
        assert refusal(training) == (507, "storage_full")
        assert training.headers["retry-after"] == "60"
        assert refusal(await predict_file(service, "any")) == (507, "storage_full")
        disk.make_room()
        assert (await post(service, TABLE)).status_code == 200


async def test_answered_requests_are_answered_again_without_room(
    database: Database, disk: SmallDisk, billing: MemoryBilling, idle: Service, model: str
) -> None:
    """A retry stores nothing, whatever room is left."""
    url = f"/v1/models/{model}"
    keyed = bearer(ADA) | {"Idempotency-Key": "k"}
    rows = [PENGUIN] * 2000
    async with run_service(database, disk.path, billing, min_free_bytes=6 * MEBIBYTE) as service:
        shutil.copytree(idle.store / "artefacts", disk.path / "artefacts")

        async def send() -> list[httpx.Response]:
            file = keyed | {"Content-Type": "text/csv"}
            dataset = await service.client.post("/v1/datasets", content=TABLE, headers=file)
            training = {"dataset_id": dataset.json().get("id", 0), "label": "y", "type": "linear"}
            return [
                dataset,
                await service.client.post("/v1/models", json=training, headers=keyed),
                await service.client.post(f"{url}/batch", content=PENGUINS.read_bytes(), headers=file),
                await service.client.post(
                    f"{url}/predict", json={"rows": rows}, headers=keyed | {"Idempotency-Key": "large"}
                ),
            ]

        first = await send()
        assert [answer.status_code for answer in first] == [201, 202, 200, 200]
        disk.fill(but_bytes=4 * MEBIBYTE)
        assert refusal(await predict_file(service, model)) == (507, "storage_full")
        again = await send()
        assert [answer.status_code for answer in again] == [200, 202, 200, 200], again
        assert [answer.headers["Idempotency-Replayed"] for answer in again] == ["true"] * 4
        assert [answer.content for answer in again[2:]] == [answer.content for answer in first[2:]]


async def test_read_only_disk_answers_503_and_recovers(on_disk: Service, disk: SmallDisk) -> None:
    dataset = (await post(on_disk, TABLE)).json()
    disk.set_read_only(True)
    assert refusal(await post(on_disk, TABLE + b"1,2\n")) == (503, "unavailable")
    url = f"/v1/datasets/{dataset['id']}"
    # Reading needs no writing, and a deleted row is deleted although its file is left to the sweeper.
    assert (await on_disk.client.get(f"{url}/findings?label=y", headers=bearer(ADA))).status_code == 200
    assert (await on_disk.client.delete(url, headers=bearer(ADA))).status_code == 204
    disk.set_read_only(False)
    assert (await post(on_disk, TABLE + b"1,2\n")).status_code == 201


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (errno.ENOSPC, 507),
        (errno.EDQUOT, 507),
        (errno.EROFS, 503),
        (errno.EACCES, 503),
        (errno.EIO, 503),
        (errno.EMFILE, 503),
    ],
)
async def test_failing_disk_is_an_outage(
    idle: Service, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    def fail(_files: Files, _key: str) -> None:
        raise OSError(number, "The disk fails.")

    with monkeypatch.context() as patched:
        patched.setattr(Files, "create", fail)
        assert (await post(idle, TABLE)).status_code == status
    assert (await post(idle, TABLE)).status_code == 201
