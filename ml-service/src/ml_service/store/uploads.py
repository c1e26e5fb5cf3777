"""Uploads: write and hash files as they arrive; delete them after an error."""

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from typing import IO
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Unavailable
from ml_service.errors import DatasetTooLarge
from ml_service.store.files import COPY_SUFFIX, Files
from ml_service.store.repository import StoreRepository
from ml_service.store.threads import discard, run_in_thread

FOLDER = "uploads"
# Large enough to amortise a switch of threads, small enough for a hundred uploads in memory.
BUFFER_BYTES = 256 * 1024
SWEPT = "The request stood still for too long, so its file was deleted; send it again."


class Upload:
    """A file in transit; complete once `finish` has returned."""

    def __init__(self, files: Files, key: str, handle: IO[bytes], limit: int) -> None:
        self.key, self.size, self.kept = key, 0, False
        self._files, self._handle, self._limit = files, handle, limit
        self._digest = hashlib.sha256()
        self._buffer = bytearray()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    async def write(self, data: bytes) -> None:
        """Raises DatasetTooLarge at the first byte beyond the limit."""
        self.size += len(data)
        if self.size > self._limit:
            raise DatasetTooLarge(self._limit)
        self._buffer += data
        if len(self._buffer) >= BUFFER_BYTES:
            await self._write_out()

    def keep(self) -> None:
        self.kept = True

    async def finish(self) -> None:
        await self._write_out()
        await run_in_thread(self._close_safely)

    async def require_stored(self, session: AsyncSession) -> None:
        """Raises Unavailable if a sweeper has deleted the file; none can until the transaction ends."""
        await StoreRepository(session).share_uploads()
        try:
            await run_in_thread(self._files.require_file, self.key, self.size)
        except FileNotFoundError:
            raise Unavailable(SWEPT) from None

    async def _write_out(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        await run_in_thread(self._write_and_hash, data)

    def _write_and_hash(self, data: bytes) -> None:
        self._handle.write(data)
        self._digest.update(data)

    def _close_safely(self) -> None:
        self._files.flush(self._handle)
        self._handle.close()


class Uploads:
    def __init__(self, files: Files, limit: int) -> None:
        self._files, self._limit = files, limit

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncGenerator[Upload]:
        """Receive one file; it is deleted after the block unless `keep` was called."""
        key = f"{FOLDER}/{uuid4().hex}"
        handle = await run_in_thread(self._files.create, key)
        upload = Upload(self._files, key, handle, self._limit)
        try:
            yield upload
        finally:
            # A bucket stores even an incomplete file when it is closed, so close it before the deletion.
            await self._close(handle)
            if not upload.kept:
                await self.delete(key)

    async def _close(self, handle: IO[bytes]) -> None:
        """Close the file; what could not be written to a full disk is lost with it."""
        with contextlib.suppress(OSError):
            await run_in_thread(handle.close)

    async def delete(self, key: str) -> None:
        """Delete a file and its columnar copy."""
        await discard(self._files, key, key + COPY_SUFFIX)

    async def replace(self, key: str, upload: Upload) -> None:
        """Replace a stored file that should have the same content, and may be missing or changed."""
        await run_in_thread(self._files.copy, upload.key, key)
