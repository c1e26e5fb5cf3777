"""Quota: the bytes that one user may store, and the room that the store's file system must have left."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database
from kit.errors import StorageFull
from kit.identity import UserId
from ml_service.store.errors import StorageQuotaReached
from ml_service.store.files import Files, Room
from ml_service.store.ownership import StoreOwnership
from ml_service.store.repository import StoreRepository
from ml_service.store.threads import run_in_thread


@dataclass(frozen=True, slots=True)
class StorageLimits:
    """`stored_bytes` of one user; `free_bytes` and `free_share` must be left on the file system."""

    stored_bytes: int
    free_bytes: int
    free_share: float
    retention: timedelta


class StorageQuota:
    """Checked before new work is accepted: what it will store is not known yet, so nobody starts above it."""

    def __init__(
        self, database: Database, files: Files, ownership: StoreOwnership, limits: StorageLimits
    ) -> None:
        self._database, self._files = database, files
        self._ownership, self._limits = ownership, limits

    async def require_room(self, user_id: UserId, more_bytes: int = 0) -> None:
        """Raises STORAGE_ERRORS: the store is not ours or too full, or the user would be above the quota."""
        await self.require_store()
        async with self._database.read() as session:
            await self.require_quota(session, user_id, more_bytes)

    async def admit(self, user_id: UserId, key: str | None) -> None:
        """As `require_room`, before a body is streamed; the retry of an answered request stores nothing."""
        if key is not None:
            async with self._database.read() as session:
                if await StoreRepository(session).is_answered(user_id, key):
                    return
        await self.require_room(user_id)

    async def require_store(self) -> None:
        """Raises StoreNotOurs or StorageFull."""
        self._ownership.require_verified()
        room = await self.room()
        if room is not None and room.free < self.required_bytes(room.total):
            raise StorageFull

    async def room(self) -> Room | None:
        """The room of the store's file system; None for a bucket."""
        return await run_in_thread(self._files.room)

    def required_bytes(self, total: int) -> float:
        """The bytes that must be free on a file system of this size."""
        return max(self._limits.free_bytes, total * self._limits.free_share)

    async def require_quota(self, session: AsyncSession, user_id: UserId, more_bytes: int) -> None:
        """Raises StorageQuotaReached if the user may not store so many bytes more."""
        stored = await StoreRepository(session).stored_bytes(user_id, self._limits.retention)
        if stored + more_bytes > self._limits.stored_bytes:
            raise StorageQuotaReached(stored, self._limits.stored_bytes)
