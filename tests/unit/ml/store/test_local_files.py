"""Files of a local store: regular, of the recorded size, opened without waiting; operations have an end."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_service.store import threads
from ml_service.store.files import Files
from ml_service.store.threads import THREADS_COUNT, StoreProbe, discard, run_in_thread

Make = Callable[[Path], object]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(f"file://{tmp_path}")


@pytest.fixture
def obstacle() -> Iterator[threading.Event]:
    """Operations that wait for it end with the test."""
    event = threading.Event()
    yield event
    event.set()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(b"12345")
    path.symlink_to(target)


def make_zeros(path: Path) -> None:
    path.touch()
    os.truncate(path, 3 * 1024**3)


@pytest.mark.parametrize("make", [make_pipe, make_link, Path.mkdir, make_zeros])
def test_other_thing_in_place_of_a_file_is_refused_at_once(files: Files, tmp_path: Path, make: Make) -> None:
    make(tmp_path / "result")
    with pytest.raises(FileNotFoundError):
        files.open_to_read("result", 5)
    with pytest.raises(FileNotFoundError):
        files.require_file("result", 5)


@pytest.mark.parametrize("make", [make_pipe, make_link])
def test_nothing_is_written_to_what_is_no_regular_file(files: Files, tmp_path: Path, make: Make) -> None:
    make(tmp_path / "result")
    with pytest.raises(FileNotFoundError):
        files.create("result")


def write_and_fail(files: Files, key: str) -> None:
    with files.open_to_write(key) as file:
        file.write(b"x")
        raise OSError(errno.ENOSPC, "full")


def test_file_is_deleted_when_its_disk_is_full(files: Files) -> None:
    with pytest.raises(OSError, match="full"):
        write_and_fail(files, "results/1")
    assert list(files.list_folder("results")) == []


def write_half_a_folder(files: Files, key: str) -> None:
    with files.folder_to_write(key) as folder:
        folder.mkdir()
        (folder / "model.json").write_bytes(b"x")
        raise OSError(errno.ENOSPC, "full")


def test_folder_is_deleted_when_its_disk_is_full(files: Files) -> None:
    with pytest.raises(OSError, match="full"):
        write_half_a_folder(files, "aside/7-1")
    assert list(files.list_folder("aside")) == []


def test_link_is_deleted_and_not_what_it_leads_to(files: Files, tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "link").symlink_to(tmp_path / "uploads")
    files.delete("results/link")
    assert (tmp_path / "uploads").is_dir()
    assert list(files.list_folder("results")) == []


def test_copy_replaces_a_file_and_leaves_the_source(files: Files, tmp_path: Path) -> None:
    for name, content in (("new", b"right"), ("old", b"wrong")):
        (tmp_path / name).write_bytes(content)
    files.copy("new", "old")
    files.copy("new", "missing")
    files.delete("new")
    assert (tmp_path / "old").read_bytes() == (tmp_path / "missing").read_bytes() == b"right"


def test_content_of_a_file_that_is_created_once_stays(files: Files, tmp_path: Path) -> None:
    files.create_once("owner", b"first")
    files.create_once("owner", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_listing_has_ages_and_skips_nothing(files: Files, tmp_path: Path) -> None:
    (tmp_path / "artefacts" / "7-1").mkdir(parents=True)
    os.utime(tmp_path / "artefacts" / "7-1", (0, 0))
    assert list(files.list_folder("artefacts")) == [("artefacts/7-1", datetime.fromtimestamp(0, UTC))]
    assert list(files.list_folder("uploads")) == []


async def test_operation_that_does_not_end_is_given_up(obstacle: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        await run_in_thread(obstacle.wait, seconds=0.05)


async def test_file_that_cannot_be_deleted_is_reported(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: str) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(files, "delete", fail)
    assert not await discard(files, "results/1")


async def test_deletion_goes_on_after_its_caller_is_cancelled(
    files: Files, obstacle: threading.Event
) -> None:
    keys = ["uploads/1", "uploads/1.arrow"]
    for key in keys:
        files.create(key).close()
    # With no thread free, the deletion has not begun when its caller is cancelled.
    busy = [asyncio.create_task(run_in_thread(obstacle.wait)) for _ in range(THREADS_COUNT)]
    deletion = asyncio.create_task(discard(files, *keys))
    await asyncio.sleep(0.05)
    deletion.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deletion
    obstacle.set()
    await asyncio.gather(*busy)
    async with asyncio.timeout(5):
        while any(files.exists(key) for key in keys):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_stuck_store_is_not_ready_until_it_answers_again(
    files: Files, obstacle: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = 0

    def hang(_key: str) -> bool:
        nonlocal probes
        probes += 1
        return obstacle.wait()

    monkeypatch.setattr(threads, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(files, "exists", hang)
    probe = StoreProbe(files)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="file store"):
            await probe.check()
    assert probes == 1
    obstacle.set()
    async with asyncio.timeout(5):
        await probe.check()
