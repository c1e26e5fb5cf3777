"""Files made for callers: written under a name of their own, handed out piece by piece."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

from ml_service.store.files import Files

FOLDER = "results"
PIECE = 256 * 1024


class Results:
    """A result is there once a row names it; the sweeper removes one that none does."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def name_new(self) -> str:
        return self.name(uuid4().hex)

    def name(self, name: str) -> str:
        """One that begins with a live job's id is not swept."""
        return f"{FOLDER}/{name}"

    async def read(self, key: str, *, once: bool) -> AsyncGenerator[bytes]:
        """Its bytes; it is gone afterwards when nobody can ask for it again."""
        handle = await asyncio.to_thread(self._files.open_to_read, key)
        try:
            while piece := await asyncio.to_thread(handle.read, PIECE):
                yield piece
        finally:
            await asyncio.to_thread(handle.close)
            if once:
                await self.delete(key)

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._files.exists, key)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._files.delete, key)
