"""The store in a bucket: its owner, the ages of its artefacts, and the sizes of its files."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.bucket import Bucket, running_bucket

from ml_service.store.files import Files
from ml_service.store.threads import StoreProbe, discard


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with running_bucket() as bucket:
        yield bucket


@pytest.fixture
def files(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Files:
    for name, value in bucket.settings.items():
        monkeypatch.setenv(name, value)
    return Files(bucket.settings["STORE_URL"])


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
    await StoreProbe(files).check()
    assert files.room() is None
