"""Where bytes are kept: any fsspec address, a shared folder by default."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem


class Files:
    """Every call may wait for a disk or a network; callers on the event loop use a thread.

    Services, readers and workers each have one, of the same address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Others write here too: what a listing said a moment ago may be over.
        self._files, self._root = url_to_fs(url, use_listings_cache=False)
        self._local = isinstance(self._files, LocalFileSystem)

    @contextlib.contextmanager
    def on_disk(self, key: str) -> Generator[Path]:
        """A file or folder where programs can open it: its own place, or a copy that is gone after the block.

        What is not in the store is not there either.
        """
        if self._local:
            yield Path(self._path(key))
            return
        with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
            copy = Path(folder) / "copy"
            with contextlib.suppress(FileNotFoundError):
                self._files.get(self._path(key), str(copy), recursive=True)
            yield copy

    @contextlib.contextmanager
    def folder_to_write(self, key: str) -> Generator[Path]:
        """Where to make a folder that is in the store after the block; it does not exist yet."""
        if self._local:
            self._files.makedirs(self._files._parent(self._path(key)), exist_ok=True)
            yield Path(self._path(key))
            return
        with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
            made = Path(folder) / "made"
            yield made
            for file in made.rglob("*"):
                self._files.put_file(str(file), f"{self._path(key)}/{file.relative_to(made).as_posix()}")

    def open_to_read(self, key: str) -> IO[bytes]:
        return self._files.open(self._path(key), "rb")

    def open_to_write(self, key: str) -> IO[bytes]:
        self._files.makedirs(self._files._parent(self._path(key)), exist_ok=True)
        return self._files.open(self._path(key), "wb")

    def flush(self, handle: IO[bytes]) -> None:
        """Down to the disk, where there is one of ours; a bucket's object appears when it is closed."""
        handle.flush()
        if self._local:
            os.fsync(handle.fileno())

    def rename(self, key: str, new_key: str) -> None:
        """On a file system one atomic step; in a bucket whole once it returns. Done twice it is done once."""
        source, target = self._path(key), self._path(new_key)
        if self._files.exists(target) and not self._files.exists(source):
            return
        self._files.makedirs(self._files._parent(target), exist_ok=True)
        if not self._local:
            for each in self._files.find(source):
                self._files.cp_file(each, target + each.removeprefix(source))
            self._files.rm(source, recursive=True)
            return
        os.rename(source, target)
        _flush_folder(self._files._parent(target))

    def delete(self, key: str) -> None:
        """Gone afterwards, whether or not it was there."""
        try:
            self._files.rm(self._path(key), recursive=True)
        except FileNotFoundError:
            return

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def size(self, key: str) -> int:
        return int(self._files.du(self._path(key)))

    def list_folder(self, key: str) -> Iterator[tuple[str, datetime]]:
        """The keys in a folder and when each last changed."""
        path = self._path(key)
        if not self._files.exists(path):
            return
        for entry in self._files.ls(path, detail=True, refresh=True):
            yield f"{key}/{entry['name'].rstrip('/').rpartition('/')[2]}", _changed(entry)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def _changed(entry: dict[str, Any]) -> datetime:  # Any: what a listing says differs by store
    seen = entry["mtime"] if "mtime" in entry else entry.get("LastModified", datetime.now(UTC))
    return seen if isinstance(seen, datetime) else datetime.fromtimestamp(seen, UTC)


def _flush_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
