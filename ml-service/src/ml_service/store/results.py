"""Results: files with predictions, each under a key of its own, streamed to callers."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

from ml_service.store.files import Files

FOLDER = "results"
CHUNK_BYTES = 256 * 1024


class Results:
    """A result exists once a row refers to it; the sweeper deletes all others."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def name_new(self) -> str:
        return self.name(uuid4().hex)

    def name(self, name: str) -> str:
        """The key of a result; the sweeper spares names that begin with a live job's id."""
        return f"{FOLDER}/{name}"

    async def read(self, key: str, *, once: bool) -> AsyncGenerator[bytes]:
        """Stream its bytes; with `once`, delete it afterwards, as no later request can refer to it."""
        handle = await asyncio.to_thread(self._files.open_to_read, key)
        try:
            while chunk := await asyncio.to_thread(handle.read, CHUNK_BYTES):
                yield chunk
        finally:
            await asyncio.to_thread(handle.close)
            if once:
                await self.delete(key)

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._files.exists, key)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._files.delete, key)
