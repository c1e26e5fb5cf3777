"""The store in a bucket: its owner, the ages of its artefacts, the sizes of its files, and its outages."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fsspec import get_filesystem_class
from tests.integration.ml.service import ADA, run_service
from tests.integration.ml.serving import serving
from tests.support.bucket import Bucket, running_bucket
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tables import csv
from tests.support.tokens import bearer

from kit.outages import outage_error
from ml_service.store.files import Files
from ml_service.store.threads import StoreProbe, discard, run_in_thread


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with running_bucket() as bucket:
        yield bucket


@pytest.fixture
def files(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Files:
    return Files(use(bucket, monkeypatch))


def use(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let new stores use this bucket; returns the URL."""
    for name, value in bucket.settings.items():
        monkeypatch.setenv(name, value)
    # Otherwise fsspec returns the file system of an earlier bucket.
    get_filesystem_class("s3").clear_instance_cache()
    return bucket.settings["STORE_URL"]


TABLE = csv("x,y", *(f"{n},{n % 7}" for n in range(50)))
FULL = "<Error><Code>XMinioStorageFull</Code><Message>The drive is full.</Message></Error>"


def write(files: Files, key: str, content: bytes) -> None:
    with files.open_to_write(key) as file:
        file.write(content)


def test_owner_is_written_once(files: Files) -> None:
    files.create_once("owner", b"first")
    files.create_once("owner", b"second")
    with files.open_to_read("owner") as file:
        assert file.read() == b"first"


def test_artefact_is_as_old_as_its_newest_file(files: Files) -> None:
    for name in ("model.json", "report.json"):
        write(files, f"artefacts/7-1/{name}", b"x")
    ((key, changed),) = files.list_folder("artefacts")
    assert key == "artefacts/7-1"
    assert datetime.now(UTC) - changed < timedelta(minutes=1)
    assert changed < datetime.now(UTC) + timedelta(seconds=2)


def test_file_of_another_size_is_refused_before_it_is_read(files: Files) -> None:
    write(files, "results/1", b"12345")
    with files.open_to_read("results/1", 5) as file:
        assert file.read() == b"12345"
    with pytest.raises(FileNotFoundError):
        files.open_to_read("results/1", 4)
    with pytest.raises(FileNotFoundError), files.on_disk("results/1", size=4):
        pass


def test_copy_replaces_another_file(files: Files) -> None:
    write(files, "uploads/new", b"right")
    write(files, "uploads/old", b"wrong")
    files.copy("uploads/new", "uploads/old")
    with files.on_disk("uploads/old") as path:
        assert path.read_bytes() == b"right"


def interrupt(files: Files, key: str) -> None:
    with files.open_to_write(key) as file:
        file.write(b"x")
        raise ConnectionError


def test_interrupted_file_is_deleted(files: Files) -> None:
    with pytest.raises(ConnectionError):
        interrupt(files, "results/2")
    assert not files.exists("results/2")


async def test_missing_file_is_deleted_without_an_error(files: Files) -> None:
    assert await discard(files, "results/3")


async def test_bucket_answers_the_probe_and_has_no_limit(files: Files) -> None:
    # The first operation connects, which takes longer than a probe may on a busy machine.
    await run_in_thread(files.exists, "")
    await StoreProbe(files).check()
    assert files.room() is None


async def test_bucket_that_is_away_answers_503(
    database: Database, tmp_path: Path, billing: MemoryBilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        bucket = stack.enter_context(running_bucket())
        url = use(bucket, monkeypatch)
        async with run_service(database, tmp_path, billing, store_url=url) as service:
            dataset = await service.upload_bytes(TABLE)
            stack.close()
            headers = bearer(ADA) | {"Content-Type": "text/csv"}
            upload = await service.client.post("/v1/datasets", content=TABLE + b"1,1\n", headers=headers)
            findings = f"/v1/datasets/{dataset['id']}/findings?label=y"
            answers = [upload, await service.client.get(findings, headers=bearer(ADA))]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "unavailable")] * 2
    assert "storage of this installation" in upload.json()["detail"]


@pytest.mark.parametrize(("status", "number"), [(507, errno.ENOSPC), (500, errno.EIO), (503, errno.EIO)])
async def test_bucket_that_fails_is_an_outage(
    monkeypatch: pytest.MonkeyPatch, status: int, number: int
) -> None:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["PUT", "HEAD", "GET", "DELETE"])
    async def answer(request: Request) -> Response:
        if request.url.path == "/readyz":
            return Response()
        return Response(FULL if status == 507 else "", status, media_type="application/xml")

    async with serving(app) as address:
        files = Files(use(Bucket(address), monkeypatch))
        with pytest.raises(OSError) as failure:  # noqa: PT011 - its number is compared
            await run_in_thread(write, files, "uploads/1", b"x")
    assert failure.value.errno == number
    refusal = outage_error(failure.value)
    assert refusal is not None
    assert refusal.status == (507 if status == 507 else 503)
