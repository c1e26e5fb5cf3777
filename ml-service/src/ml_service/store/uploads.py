"""Files on their way in: written as they arrive, hashed on the way, gone again when anything goes wrong."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator
from typing import IO
from uuid import uuid4

from ml_service.errors import DatasetTooLarge
from ml_service.store.files import Files

FOLDER = "uploads"
# Large enough that a thread's hop costs nothing, small enough that a hundred uploads fit in memory.
BUFFERED = 256 * 1024


class Upload:
    """One file being written; complete once `finish` has returned."""

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
        if len(self._buffer) >= BUFFERED:
            await self._write_out()

    def keep(self) -> None:
        self.kept = True

    async def finish(self) -> None:
        await self._write_out()
        await asyncio.to_thread(self._close_safely)

    async def _write_out(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        await asyncio.to_thread(self._write_and_hash, data)

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
        """The file is gone after the block unless it was kept."""
        key = f"{FOLDER}/{uuid4().hex}"
        handle = await asyncio.to_thread(self._files.open_to_write, key)
        upload = Upload(self._files, key, handle, self._limit)
        try:
            yield upload
        finally:
            # In a bucket even a file that nobody wants is sent when it is closed.
            await asyncio.to_thread(handle.close)
            if not upload.kept:
                await self.delete(key)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._files.delete, key)
