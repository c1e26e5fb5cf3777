"""Artefacts: the files of a trained model, written to a staging folder and then published whole."""

import asyncio

from ml_service.store.files import Files

STAGING = "aside"
FOLDER = "artefacts"


class Artefacts:
    def __init__(self, files: Files) -> None:
        self._files, self.store_url = files, files.url

    def staging_key(self, name: str) -> str:
        """The key at which a worker writes a new artefact."""
        return f"{STAGING}/{name}"

    def key(self, name: str) -> str:
        return f"{FOLDER}/{name}"

    async def publish(self, name: str) -> int:
        """Move a new artefact from staging to its key. Returns its size in bytes."""
        return await asyncio.to_thread(self._publish, name)

    async def discard(self, name: str) -> None:
        await asyncio.to_thread(self._files.delete, self.staging_key(name))
        await asyncio.to_thread(self._files.delete, self.key(name))

    def _publish(self, name: str) -> int:
        self._files.rename(self.staging_key(name), self.key(name))
        return self._files.size(self.key(name))
