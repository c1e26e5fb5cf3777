"""Buckets: what fails in S3 is an error of the operating system, as on a local disk, as all code expects."""

import contextlib
import errno
from collections.abc import Generator
from typing import Any

from aiohttp import ClientError as ConnectionLost
from botocore.exceptions import BotoCoreError
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem

SERVER_ERROR, INSUFFICIENT_STORAGE = 500, 507
# Of servers that have a limit, which Amazon's has not.
FULL_CODES = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"}


class Bucket(S3FileSystem):
    """S3 for `Files`. Raises ENOSPC for a full bucket, EIO for one that fails or cannot be reached."""

    async def _call_s3(self, *arguments: Any, **options: Any) -> Any:  # Any: of s3fs
        with _as_errors_of_files():
            return await super()._call_s3(*arguments, **options)

    # Open files call it by this name, which is bound to the method above in s3fs.
    call_s3 = sync_wrapper(_call_s3)

    async def _cat_file(self, *arguments: Any, **options: Any) -> Any:  # Any: of s3fs
        with _as_errors_of_files():
            return await super()._cat_file(*arguments, **options)

    async def _get_file(self, *arguments: Any, **options: Any) -> Any:  # Any: of s3fs
        with _as_errors_of_files():
            return await super()._get_file(*arguments, **options)


@contextlib.contextmanager
def _as_errors_of_files() -> Generator[None]:
    try:
        yield
    except (BotoCoreError, ConnectionLost) as error:
        raise OSError(errno.EIO, "The bucket cannot be reached.") from error
    except OSError as error:
        # s3fs translates answers, but not all: the answer itself is the cause.
        answer: dict[str, Any] = getattr(error.__cause__, "response", {})  # Any: of botocore
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status == INSUFFICIENT_STORAGE or answer.get("Error", {}).get("Code") in FULL_CODES:
            raise OSError(errno.ENOSPC, "The bucket is full.") from error
        if status >= SERVER_ERROR:
            raise OSError(errno.EIO, "The bucket fails.") from error
        raise
