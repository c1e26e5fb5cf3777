"""Check that a stored file is still the one that was uploaded."""

from pathlib import Path

from ml_service.learning.stored_files import NotARegularFile, hash_open_file, open_regular
from ml_service.learning.tables.errors import UploadChanged, UploadMissing
from ml_service.learning.tables.table import CsvLimits, check_file_size


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
