"""Queries of API keys, and their changes."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import StoredApiKey, User

# To the minute, so that a busy key does not update its row at every use.
LAST_USE_PRECISION = timedelta(minutes=1)


class ApiKeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_owner(self, user_id: int) -> bool:
        """False if the user was deleted; logins of the user do not wait for this lock."""
        statement = select(User.id).where(User.id == user_id).with_for_update(key_share=True)
        return await self._session.scalar(statement) is not None

    async def count(self, user_id: int) -> int:
        own = StoredApiKey.user_id == user_id
        return await self._session.scalar(select(func.count()).where(own)) or 0

    async def add(self, key: StoredApiKey) -> None:
        self._session.add(key)
        await self._session.flush()

    async def find_usable(self, digest: bytes) -> tuple[StoredApiKey, User] | None:
        statement = (
            select(StoredApiKey, User)
            .join(User, User.id == StoredApiKey.user_id)
            .where(
                StoredApiKey.digest == digest,
                User.disabled.is_(False),
                or_(StoredApiKey.expires_at.is_(None), StoredApiKey.expires_at > func.now()),
            )
        )
        row = (await self._session.execute(statement)).first()
        return (row[0], row[1]) if row is not None else None

    async def record_use(self, key_id: int) -> None:
        key = StoredApiKey
        is_outdated = or_(key.last_used_at.is_(None), key.last_used_at < func.now() - LAST_USE_PRECISION)
        await self._session.execute(
            update(key).where(key.id == key_id, is_outdated).values(last_used_at=func.now())
        )

    async def list_of(self, user_id: int, before: int, limit: int) -> Sequence[StoredApiKey]:
        statement = (
            select(StoredApiKey)
            .where(StoredApiKey.user_id == user_id, StoredApiKey.id < before)
            .order_by(StoredApiKey.id.desc())
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def find_own(self, user_id: int, key_id: int) -> StoredApiKey | None:
        own = (StoredApiKey.id == key_id, StoredApiKey.user_id == user_id)
        return await self._session.scalar(select(StoredApiKey).where(*own).with_for_update())

    async def delete(self, key: StoredApiKey) -> None:
        await self._session.delete(key)
        await self._session.flush()

    async def delete_all(self, user_id: int) -> int:
        """Returns the number of deleted keys."""
        own = StoredApiKey.user_id == user_id
        deleted = await self._session.scalars(delete(StoredApiKey).where(own).returning(StoredApiKey.id))
        return len(deleted.all())
