"""Ownership of the store: a random id in the database and in a file of the store must be equal.

A stack on the store of another database would delete every file that its own rows do not name.
"""

import asyncio
from collections.abc import Coroutine

import structlog

from kit.database import Database
from ml_service.errors import StoreNotOurs
from ml_service.store.files import Files
from ml_service.store.outputs import ARTEFACTS
from ml_service.store.repository import StoreRepository
from ml_service.store.threads import run_in_thread
from ml_service.store.uploads import FOLDER as UPLOADS

OWNER_KEY = "owner"
MOST_OWNER_BYTES = 1000
RETRY_SECONDS = 0.5
UNKNOWN = "It is not known yet whether the file store belongs to this database; retry in a moment."
FOREIGN = (
    "The file store belongs to another database, so nothing is stored or deleted; set STORE_URL to the store "
    "of this database or to an empty one, or restore the database that belongs to the store."
)

log = structlog.stdlib.get_logger()


class StoreOwnership:
    def __init__(self, database: Database, files: Files) -> None:
        self._database, self._files = database, files
        self._verified = asyncio.Event()
        self._reason = UNKNOWN

    def require_verified(self) -> None:
        """Raises StoreNotOurs until the store is known to belong to this database."""
        if not self._verified.is_set():
            raise StoreNotOurs(self._reason)

    async def run(self) -> None:
        """Verify until it succeeds, so that a service starts before its database and its store."""
        logged = ""
        while not self._verified.is_set():
            try:
                await self.verify()
            except Exception as error:
                if str(error) != logged:
                    log.error("store_not_verified", error=type(error).__name__, detail=str(error))
                logged = str(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def when_verified(self, loop: Coroutine[None, None, None]) -> None:
        """Run a loop that changes the store, as soon as the store is known to be ours."""
        try:
            await self._verified.wait()
            await loop
        finally:
            loop.close()

    async def verify(self) -> None:
        """Compare the ids; an empty store, or one of an older version with our files, becomes ours.

        Raises StoreNotOurs for the store of another database.
        """
        async with self._database.read() as session:
            owner = (await StoreRepository(session).owner()).hex
        found = await self._read_owner()
        if found is None and await self._is_empty_or_ours():
            await run_in_thread(self._files.create_once, OWNER_KEY, owner.encode())
            log.info("store_adopted", store=self._files.url)
            found = await self._read_owner()
        if found == owner:
            self._verified.set()
            return
        self._verified.clear()
        self._reason = FOREIGN
        raise StoreNotOurs(FOREIGN)

    async def _read_owner(self) -> str | None:
        """None for a store without an owner."""
        try:
            return await run_in_thread(_read_owner, self._files)
        except FileNotFoundError:
            return None

    async def _is_empty_or_ours(self) -> bool:
        uploads, artefacts = await run_in_thread(_list_files, self._files)
        if not (uploads or artefacts):
            return True
        async with self._database.read() as session:
            return await StoreRepository(session).knows_any(uploads, artefacts)


def _read_owner(files: Files) -> str:
    with files.open_to_read(OWNER_KEY) as file:
        return file.read(MOST_OWNER_BYTES).decode("ascii", "replace").strip()


def _list_files(files: Files) -> tuple[list[str], dict[str, int]]:
    """The keys of uploads, and the names of artefacts with their sizes."""
    uploads = [key for key, _ in files.list_folder(UPLOADS)]
    artefacts = [key for key, _ in files.list_folder(ARTEFACTS)]
    return uploads, {key.rpartition("/")[2]: files.size(key) for key in artefacts}
