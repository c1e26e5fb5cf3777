"""SQL of the signing keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.signing_keys.models import SigningKey

LOCK = 0x519A


class SigningKeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Until the transaction ends, so that two replicas do not both make a successor."""
        await self._session.execute(select(func.pg_advisory_xact_lock(LOCK)))

    async def all(self) -> Sequence[SigningKey]:
        return (await self._session.scalars(select(SigningKey).order_by(SigningKey.signs_from))).all()

    async def add(self, key: SigningKey) -> None:
        self._session.add(key)
        await self._session.flush()

    async def publish_others_until(self, successor: str, end: datetime) -> None:
        unending = SigningKey.published_until.is_(None)
        await self._session.execute(
            update(SigningKey).where(SigningKey.id != successor, unending).values(published_until=end)
        )

    async def delete_unpublished(self, now: datetime) -> None:
        await self._session.execute(delete(SigningKey).where(SigningKey.published_until <= now))
