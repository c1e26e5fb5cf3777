"""Outputs in the store: artefacts, the files of trained models; results, files with predictions."""

import contextlib
from collections.abc import AsyncGenerator
from uuid import uuid4

from ml_service.store.files import Files
from ml_service.store.threads import discard, run_in_thread

# A worker writes an artefact to the staging folder; `publish` then moves it as a whole.
STAGING = "aside"
ARTEFACTS = "artefacts"
RESULTS = "results"
# Hidden rows of challenges, which no route reads.
SEALED = "sealed"
CHUNK_BYTES = 256 * 1024
# A bucket copies each file.
PUBLISH_SECONDS = 600.0


class Artefacts:
    def __init__(self, files: Files) -> None:
        self._files, self.store_url = files, files.url

    def staging_key(self, name: str) -> str:
        """The key at which a worker writes a new artefact."""
        return f"{STAGING}/{name}"

    def key(self, name: str) -> str:
        return f"{ARTEFACTS}/{name}"

    async def publish(self, name: str) -> int:
        """Move a new artefact from staging to its key. Returns its size in bytes."""
        return await run_in_thread(self._publish, name, seconds=PUBLISH_SECONDS)

    async def discard(self, name: str) -> None:
        await discard(self._files, self.staging_key(name), self.key(name))

    def _publish(self, name: str) -> int:
        self._files.rename(self.staging_key(name), self.key(name))
        return self._files.size(self.key(name))


class Results:
    """Files with predictions; the sweeper deletes results without a row."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def name_new(self) -> str:
        return self.name(uuid4().hex)

    def name(self, name: str) -> str:
        """The key of a result; the sweeper keeps names that begin with the id of a live job."""
        return f"{RESULTS}/{name}"

    async def read(self, key: str, *, once: bool, size: int | None = None) -> AsyncGenerator[bytes]:
        """Stream a result; with `once` delete it afterwards, as no later request can refer to it.

        Raises FileNotFoundError before the first chunk if the file is gone or has another size.
        """
        handle = await run_in_thread(self._files.open_to_read, key, size)
        try:
            while chunk := await run_in_thread(handle.read, CHUNK_BYTES):
                yield chunk
        finally:
            await run_in_thread(handle.close)
            if once:
                await self.delete(key)

    async def exists(self, key: str, size: int | None = None) -> bool:
        """Whether the result is stored, with this size if one is given."""
        if size is None:
            return await run_in_thread(self._files.exists, key)
        with contextlib.suppress(FileNotFoundError):
            await run_in_thread(self._files.require_file, key, size)
            return True
        return False

    async def delete(self, key: str) -> None:
        await discard(self._files, key)
