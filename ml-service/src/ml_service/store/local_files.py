"""Files of a local store: only regular files are opened, and no open waits for another process."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

# A named pipe in place of a file would otherwise block its reader for ever, and a link lead out of the store.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotTheStoredFile(FileNotFoundError):
    """Something else is in the place of a stored file: no regular file, or one of another size."""


def open_to_read(path: str, size: int | None) -> IO[bytes]:
    """Raises NotTheStoredFile for anything but a regular file of this size."""
    return os.fdopen(_open(path, os.O_RDONLY, size), "rb")


def open_to_write(path: str) -> IO[bytes]:
    """A new or emptied file, whose name survives a power cut."""
    make_folder(os.path.dirname(path))
    file = os.fdopen(_open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, None), "wb")
    flush_folder(path)
    return file


def create(path: str, content: bytes) -> None:
    """Create a file with its content at once, unless it exists."""
    new = f"{path}.{os.urandom(8).hex()}"
    try:
        with open_to_write(new) as file:
            file.write(content)
            flush(file)
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        Path(new).unlink(missing_ok=True)
    flush_folder(path)


def make_folder(path: str) -> None:
    """Create a folder with its parents, whose names survive a power cut, unless it exists."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
        flush_folder(path)


def copy(path: str, new_path: str) -> None:
    """A second name of the file where the file system has such, otherwise a copy of its content."""
    try:
        os.link(path, new_path)
    except OSError:
        shutil.copyfile(path, new_path)
        with open_to_read(new_path, None) as file:
            os.fsync(file.fileno())


def delete(path: str) -> None:
    """Delete a file, a link or a folder, if it exists."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def list_folder(path: str) -> Iterator[tuple[str, datetime]]:
    """Names with modification times; entries that vanish meanwhile are left out."""
    try:
        entries = os.scandir(path)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                changed = entry.stat(follow_symlinks=False).st_mtime
                yield entry.name, datetime.fromtimestamp(changed, UTC)


def require_file(path: str, size: int) -> None:
    """Raises FileNotFoundError, and NotTheStoredFile for anything but a regular file of this size."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        raise NotTheStoredFile(path)


def flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def flush_folder(path: str) -> None:
    """Flush the folder of this path, so that a new name survives a power cut."""
    handle = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(path: str, flags: int, size: int | None) -> int:
    try:
        handle = os.open(path, flags | SAFELY, 0o666)
    except FileNotFoundError:
        raise
    except OSError as error:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            raise NotTheStoredFile(path) from error
        raise
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or (size is not None and status.st_size != size):
        os.close(handle)
        raise NotTheStoredFile(path)
    return handle
