"""Files in the store are complete or absent."""

import hashlib
from pathlib import Path

import pytest

from ml_service.errors import DatasetTooLarge
from ml_service.store.files import Files
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.uploads import Uploads


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(f"file://{tmp_path}")


async def test_kept_upload_is_complete_and_hashed(files: Files) -> None:
    content = bytes(range(256)) * 5000
    async with Uploads(files, len(content)).receiving() as upload:
        for start in range(0, len(content), 1000):
            await upload.write(content[start : start + 1000])
        await upload.finish()
        upload.keep()
    assert read(files, upload.key) == content
    assert upload.sha256 == hashlib.sha256(content).digest()


async def test_finished_upload_is_on_the_disk(files: Files, tmp_path: Path, flushed: set[int]) -> None:
    async with Uploads(files, 10).receiving() as upload:
        await upload.write(b"12345")
        await upload.finish()
        assert (tmp_path / upload.key).stat().st_ino in flushed
        assert (tmp_path / "uploads").stat().st_ino in flushed


@pytest.mark.parametrize("folder", ["uploads", "results"])
def test_name_of_a_new_file_and_of_its_new_folder_are_on_the_disk(
    files: Files, tmp_path: Path, flushed: set[int], folder: str
) -> None:
    with files.open_to_write(f"{folder}/1") as file:
        files.flush(file)
    names = {tmp_path.stat().st_ino, (tmp_path / folder).stat().st_ino}
    assert names | {(tmp_path / folder / "1").stat().st_ino} <= flushed


async def receive(uploads: Uploads, *chunks: bytes | Exception) -> None:
    async with uploads.receiving() as upload:
        for chunk in chunks:
            if isinstance(chunk, Exception):
                raise chunk
            await upload.write(chunk)


async def test_upload_is_refused_at_first_byte_over_limit(files: Files) -> None:
    with pytest.raises(DatasetTooLarge):
        await receive(Uploads(files, 10), b"0123456789", b"!")
    assert list(files.list_folder("uploads")) == []


async def test_interrupted_upload_is_deleted(files: Files) -> None:
    with pytest.raises(ConnectionError):
        await receive(Uploads(files, 10_000_000), b"x" * 1_000_000, ConnectionError())
    assert list(files.list_folder("uploads")) == []


def write_to_staging(files: Files, artefacts: Artefacts, name: str) -> None:
    with files.folder_to_write(artefacts.staging_key(name)) as folder:
        folder.mkdir()
        (folder / "model.json").write_bytes(b"12345")


def read(files: Files, key: str) -> bytes:
    with files.on_disk(key) as path:
        return path.read_bytes()


async def test_published_artefact_is_moved_out_of_staging(files: Files) -> None:
    artefacts = Artefacts(files)
    write_to_staging(files, artefacts, "7-1")
    assert await artefacts.publish("7-1") == 5
    assert read(files, f"{artefacts.key('7-1')}/model.json") == b"12345"
    assert list(files.list_folder("aside")) == []


async def test_name_of_a_published_artefact_is_on_the_disk(
    files: Files, tmp_path: Path, flushed: set[int]
) -> None:
    artefacts = Artefacts(files)
    write_to_staging(files, artefacts, "7-1")
    await artefacts.publish("7-1")
    assert (tmp_path / "artefacts").stat().st_ino in flushed


async def test_publishing_is_idempotent(files: Files) -> None:
    artefacts = Artefacts(files)
    write_to_staging(files, artefacts, "7-1")
    await artefacts.publish("7-1")
    assert await artefacts.publish("7-1") == 5


async def test_discard_deletes_staged_and_published_artefacts(files: Files) -> None:
    artefacts = Artefacts(files)
    for name in ("7-1", "7-2"):
        write_to_staging(files, artefacts, name)
    await artefacts.publish("7-1")
    for name in ("7-1", "7-2", "7-3"):
        await artefacts.discard(name)
    assert list(files.list_folder("aside")) == []
    assert list(files.list_folder("artefacts")) == []


async def test_folder_that_was_not_written_does_not_exist(files: Files) -> None:
    with files.folder_to_write("aside/7-1"):
        pass
    with files.on_disk("aside/7-1") as path:
        assert not path.exists()


async def test_result_is_streamed_and_deleted_if_read_once(files: Files) -> None:
    results, content = Results(files), bytes(range(256)) * 2000
    key = results.name_new()
    with files.open_to_write(key) as file:
        file.write(content)
    assert b"".join([chunk async for chunk in results.read(key, once=False)]) == content
    assert b"".join([chunk async for chunk in results.read(key, once=True)]) == content
    assert list(files.list_folder("results")) == []


async def test_deletion_of_an_upload_deletes_its_copy(files: Files) -> None:
    for key in ("uploads/1", "uploads/1.arrow"):
        with files.open_to_write(key) as file:
            file.write(b"x")
    await Uploads(files, 10).delete("uploads/1")
    assert list(files.list_folder("uploads")) == []


def test_replaced_file_keeps_its_content_for_open_readers(files: Files) -> None:
    with files.open_to_write("uploads/1") as file:
        file.write(b"old")
    with files.open_to_read("uploads/1") as reader:
        with files.file_to_replace("uploads/1") as path:
            path.write_bytes(b"new")
        assert reader.read() == b"old"
    assert read(files, "uploads/1") == b"new"
    assert len(list(files.list_folder("uploads"))) == 1


def replace(files: Files, key: str, interruption: Exception) -> None:
    with files.file_to_replace(key) as path:
        path.write_bytes(b"ne")
        raise interruption


def test_interrupted_replacement_leaves_the_stored_file(files: Files) -> None:
    with files.open_to_write("uploads/1") as file:
        file.write(b"old")
    with pytest.raises(ConnectionError):
        replace(files, "uploads/1", ConnectionError())
    assert read(files, "uploads/1") == b"old"
    assert len(list(files.list_folder("uploads"))) == 1
