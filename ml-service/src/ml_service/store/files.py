"""The file store: any fsspec URL, by default a shared folder."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

from fsspec import register_implementation
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from ml_service.store import local_files
from ml_service.store.local_files import NotTheStoredFile

# By name, because its libraries take half a second to import.
register_implementation("s3", "ml_service.store.bucket.Bucket", clobber=True)
# Appended to the name of an uploaded table: its columnar copy.
COPY_SUFFIX = ".arrow"


class Room(NamedTuple):
    """Bytes that a file system has left, and its size."""

    free: int
    total: int


class Files:
    """Files by key. Calls block on disk or network: a service runs them with `store.threads`.

    Services, reader processes and Dask workers each have one, with the same URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Other processes write here too, so a cached listing may be out of date.
        self._files, self._root = url_to_fs(url, use_listings_cache=False)
        self._local = isinstance(self._files, LocalFileSystem)

    @contextlib.contextmanager
    def on_disk(self, key: str, *suffixes: str, size: int | None = None) -> Generator[Path]:
        """A local path of a file or folder: in a local store its own, otherwise a temporary download.

        The path does not exist if the store has no such key. Beside it are the files whose keys end with one
        of the suffixes. With a size, raises FileNotFoundError unless the key is a regular file of this size.
        """
        if size is not None:
            self.require_file(key, size)
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
        """A local path for a new folder; its files are in the store after the block, unless it raises."""
        with self._deleted_after_an_error(key):
            if self._local:
                local_files.make_folder(os.path.dirname(self._path(key)))
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

    def open_to_read(self, key: str, size: int | None = None) -> IO[bytes]:
        """Raises FileNotFoundError unless the key is a regular file, and of this size if one is given."""
        if self._local:
            return local_files.open_to_read(self._path(key), size)
        if size is not None:
            self.require_file(key, size)
        return self._files.open(self._path(key), "rb")

    @contextlib.contextmanager
    def open_to_write(self, key: str) -> Generator[IO[bytes]]:
        """A new file, deleted if the block raises."""
        with self._deleted_after_an_error(key), self.create(key) as file:
            yield file

    def create(self, key: str) -> IO[bytes]:
        """A new file; the caller deletes it after an error."""
        if self._local:
            return local_files.open_to_write(self._path(key))
        return self._files.open(self._path(key), "wb")

    def create_once(self, key: str, content: bytes) -> None:
        """Create a small file unless the key exists; read it to see who was first."""
        if self._local:
            local_files.create(self._path(key), content)
        elif not self.exists(key):
            # Some servers of buckets ignore this mode, so the last of two writers at once may be the first.
            with contextlib.suppress(FileExistsError):
                self._files.pipe_file(self._path(key), content, mode="create")

    def flush(self, handle: IO[bytes]) -> None:
        """Flush to a local disk; a bucket stores an object when it is closed."""
        if self._local:
            local_files.flush(handle)
        else:
            handle.flush()

    def copy(self, key: str, new_key: str) -> None:
        """Let another key, whose file is replaced, have the content of this one."""
        if not self._local:
            self._files.cp_file(self._path(key), self._path(new_key))
            return
        with self.file_to_replace(new_key) as path:
            local_files.copy(self._path(key), str(path))
        local_files.flush_folder(self._path(new_key))

    def rename(self, key: str, new_key: str) -> None:
        """Rename a file or folder, atomically on a file system but not in a bucket; idempotent."""
        source, target = self._path(key), self._path(new_key)
        if self._files.exists(target) and not self._files.exists(source):
            return
        if not self._local:
            for path in self._files.find(source):
                self._files.cp_file(path, target + path.removeprefix(source))
            self._files.rm(source, recursive=True)
            return
        local_files.make_folder(os.path.dirname(target))
        os.rename(source, target)
        local_files.flush_folder(target)

    def delete(self, key: str) -> None:
        """Delete a file or folder, if it exists."""
        if self._local:
            local_files.delete(self._path(key))
            return
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._path(key), recursive=True)

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def require_file(self, key: str, size: int) -> None:
        """Raises FileNotFoundError unless the key is a regular file of this size."""
        if self._local:
            local_files.require_file(self._path(key), size)
        elif self._files.info(self._path(key))["size"] != size:
            raise NotTheStoredFile(key)

    def size(self, key: str) -> int:
        """The bytes of a file, or of all files in a folder; 0 if there is none."""
        try:
            return int(self._files.du(self._path(key)))
        except FileNotFoundError:
            return 0

    def room(self) -> Room | None:
        """The room on the file system; None for a bucket."""
        if not self._local:
            return None
        local_files.make_folder(self._root)
        usage = shutil.disk_usage(self._root)
        return Room(usage.free, usage.total)

    def list_folder(self, key: str) -> Iterator[tuple[str, datetime]]:
        """The keys in a folder with their modification times; that of a folder is its newest file's."""
        path = self._path(key)
        if self._local:
            yield from ((f"{key}/{name}", changed) for name, changed in local_files.list_folder(path))
            return
        newest: dict[str, datetime] = {}
        for file, entry in self._files.find(path, detail=True).items():
            name = file.removeprefix(path).lstrip("/").partition("/")[0]
            changed = _modified_at(entry)
            newest[name] = max(changed, newest.get(name, changed))
        yield from ((f"{key}/{name}", changed) for name, changed in newest.items() if name)

    @contextlib.contextmanager
    def _deleted_after_an_error(self, key: str) -> Generator[None]:
        try:
            yield
        except BaseException:
            # The error that is raised says more than one of the deletion, for example of a read-only disk.
            with contextlib.suppress(OSError):
                self.delete(key)
            raise

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def _modified_at(entry: dict[str, Any]) -> datetime:  # Any: listings differ by store
    modified = entry["mtime"] if "mtime" in entry else entry.get("LastModified", datetime.now(UTC))
    return modified if isinstance(modified, datetime) else datetime.fromtimestamp(modified, UTC)
