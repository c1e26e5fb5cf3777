"""Files in the store, opened without trust in what lies there: a pipe, a link or a grown file is refused.

Another program may have written to the store. A named pipe would block its reader, a device or a file grown
to gigabytes would fill its memory.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import IO

from ml_service.learning.tables.errors import UploadChanged, UploadMissing
from ml_service.learning.tables.table import CsvLimits, check_file_size

CHUNK_BYTES = 1 << 20
# O_NONBLOCK: the open of a pipe without a writer returns at once.
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Errors of an open of a link and of a socket.
NOT_OPENED = {errno.ELOOP, errno.EMLINK, errno.ENXIO}


class NotARegularFile(OSError):
    """The path is a link, a folder, a pipe, a socket or a device."""


@contextlib.contextmanager
def open_regular(path: Path) -> Generator[tuple[IO[bytes], int]]:
    """Open a regular file without buffer; yields it with its size. Raises NotARegularFile for all else."""
    descriptor = _open(path)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotARegularFile(path.name)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file, status.st_size


def read_exactly(file: IO[bytes], size: int) -> bytes:
    """At most so many bytes, in one piece of memory."""
    content = file.read(size)
    # A read returns at most 2 GB.
    while len(content) < size and (more := file.read(size - len(content))):
        content += more
    return content


def hash_open_file(file: IO[bytes], size: int) -> bytes:
    """The SHA-256 of the first `size` bytes."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(min(CHUNK_BYTES, max(size, 1))))
    while size > 0 and (count := file.readinto(buffer[: min(size, len(buffer))])):  # type: ignore[attr-defined]
        digest.update(buffer[:count])
        size -= count
    return digest.digest()


def check_upload(path: Path, limits: CsvLimits, sha256: bytes | None) -> None:
    """Raise UploadMissing or UploadChanged for another file than that with this SHA-256.

    Without a digest, which tasks of an older version lack, any regular file within the limit passes.
    """
    try:
        with open_regular(path) as (file, size):
            check_file_size(size, limits)
            if sha256 is not None and hash_open_file(file, size) != sha256:
                raise UploadChanged
    except FileNotFoundError as error:
        raise UploadMissing from error
    except NotARegularFile as error:
        raise UploadChanged from error


def require_file(path: Path) -> None:
    """Raise UploadChanged for a pipe, a link or a folder, and FileNotFoundError for nothing at all."""
    try:
        with open_regular(path):
            pass
    except NotARegularFile as error:
        raise UploadChanged from error


def _open(path: Path) -> int:
    try:
        return os.open(path, FLAGS)
    except OSError as error:
        if error.errno in NOT_OPENED:
            raise NotARegularFile(path.name) from error
        raise
