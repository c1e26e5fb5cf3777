"""Trained models on their way in and at their place."""

import asyncio

from ml_service.store.files import Files

ASIDE = "aside"
FOLDER = "artefacts"


class Artefacts:
    def __init__(self, files: Files) -> None:
        self._files, self.store_url = files, files.url

    def aside(self, name: str) -> str:
        """Where a worker writes a new artefact."""
        return f"{ASIDE}/{name}"

    async def place(self, name: str) -> int:
        """Move what a worker has written to where it is loaded from. Gives its size in bytes."""
        return await asyncio.to_thread(self._place, name)

    async def discard(self, name: str) -> None:
        await asyncio.to_thread(self._files.delete, f"{ASIDE}/{name}")
        await asyncio.to_thread(self._files.delete, f"{FOLDER}/{name}")

    def key(self, name: str) -> str:
        return f"{FOLDER}/{name}"

    def _place(self, name: str) -> int:
        self._files.rename(f"{ASIDE}/{name}", f"{FOLDER}/{name}")
        return self._files.size(f"{FOLDER}/{name}")
