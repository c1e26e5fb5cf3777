"""The file store: any fsspec URL, by default a shared folder."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

# Appended to the name of an uploaded table: its columnar copy.
COPY_SUFFIX = ".arrow"


class Files:
    """Files by key. Calls block on disk or network, so run them in a thread of the event loop.

    Services, reader processes and Dask workers each have one, with the same URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Other processes write here too, so a cached listing may be out of date.
        self._files, self._root = url_to_fs(url, use_listings_cache=False)
        self._local = isinstance(self._files, LocalFileSystem)

    @contextlib.contextmanager
    def on_disk(self, key: str, *suffixes: str) -> Generator[Path]:
        """A local path of a file or folder: in a local store its own, otherwise a temporary download.

        The path does not exist if the store has no such key. Beside it are the files whose keys end with one
        of the suffixes.
        """
        if self._local:
            yield Path(self._path(key))
            return
        with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
            download = Path(folder) / "download"
            for suffix in ("", *suffixes):
                with contextlib.suppress(FileNotFoundError):
                    self._files.get(self._path(key + suffix), f"{download}{suffix}", recursive=True)
            yield download

    @contextlib.contextmanager
    def folder_to_write(self, key: str) -> Generator[Path]:
        """A local path for a new folder; its files are in the store after the block."""
        if self._local:
            self._files.makedirs(self._files._parent(self._path(key)), exist_ok=True)
            yield Path(self._path(key))
            return
        with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
            new = Path(folder) / "new"
            yield new
            for file in new.rglob("*"):
                self._files.put_file(str(file), f"{self._path(key)}/{file.relative_to(new).as_posix()}")

    @contextlib.contextmanager
    def file_to_replace(self, key: str) -> Generator[Path]:
        """A local path for a new file, which has replaced the stored one after the block.

        Open files keep the replaced content.
        """
        new_key = f"{key}.{uuid4().hex}"
        if self._local:
            path = Path(self._path(new_key))
            try:
                yield path
                os.replace(path, self._path(key))
            finally:
                path.unlink(missing_ok=True)
            return
        with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
            path = Path(folder) / "new"
            yield path
            self._files.put_file(str(path), self._path(key))

    def open_to_read(self, key: str) -> IO[bytes]:
        return self._files.open(self._path(key), "rb")

    def open_to_write(self, key: str) -> IO[bytes]:
        self._files.makedirs(self._files._parent(self._path(key)), exist_ok=True)
        return self._files.open(self._path(key), "wb")

    def flush(self, handle: IO[bytes]) -> None:
        """Flush to a local disk; a bucket stores an object when it is closed."""
        handle.flush()
        if self._local:
            os.fsync(handle.fileno())

    def rename(self, key: str, new_key: str) -> None:
        """Rename a file or folder, atomically on a file system but not in a bucket; idempotent."""
        source, target = self._path(key), self._path(new_key)
        if self._files.exists(target) and not self._files.exists(source):
            return
        self._files.makedirs(self._files._parent(target), exist_ok=True)
        if not self._local:
            for path in self._files.find(source):
                self._files.cp_file(path, target + path.removeprefix(source))
            self._files.rm(source, recursive=True)
            return
        os.rename(source, target)
        _flush_folder(self._files._parent(target))

    def delete(self, key: str) -> None:
        """Delete a file or folder, if it exists."""
        try:
            self._files.rm(self._path(key), recursive=True)
        except FileNotFoundError:
            return

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def size(self, key: str) -> int:
        return int(self._files.du(self._path(key)))

    def list_folder(self, key: str) -> Iterator[tuple[str, datetime]]:
        """The keys in a folder with their modification times."""
        path = self._path(key)
        if not self._files.exists(path):
            return
        for entry in self._files.ls(path, detail=True, refresh=True):
            yield f"{key}/{entry['name'].rstrip('/').rpartition('/')[2]}", _modified_at(entry)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def _modified_at(entry: dict[str, Any]) -> datetime:  # Any: listings differ by store
    modified = entry["mtime"] if "mtime" in entry else entry.get("LastModified", datetime.now(UTC))
    return modified if isinstance(modified, datetime) else datetime.fromtimestamp(modified, UTC)


def _flush_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
