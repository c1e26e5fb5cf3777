"""Queries of secrets, signing keys and revocations."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Text, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import RevocationRow, SealedSecret, SigningKey

SECRETS_LOCK, SIGNING_KEYS_LOCK = 0x5EC2E7, 0x519A


class SecretRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Lock until the transaction ends, so that replicas that start together share one secret."""
        await self._session.execute(select(func.pg_advisory_xact_lock(SECRETS_LOCK)))

    async def find(self, name: str) -> bytes | None:
        return await self._session.scalar(select(SealedSecret.sealed).where(SealedSecret.name == name))

    async def put(self, name: str, sealed: bytes) -> None:
        statement = insert(SealedSecret).values(name=name, sealed=sealed)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"sealed": sealed})
        )


class SigningKeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Lock until the transaction ends, so that only one replica creates a successor."""
        await self._session.execute(select(func.pg_advisory_xact_lock(SIGNING_KEYS_LOCK)))

    async def all(self) -> Sequence[SigningKey]:
        return (await self._session.scalars(select(SigningKey).order_by(SigningKey.signs_from))).all()

    async def add(self, key: SigningKey) -> None:
        self._session.add(key)
        await self._session.flush()

    async def publish_others_until(self, successor: str, end: datetime) -> None:
        is_current = SigningKey.published_until.is_(None)
        await self._session.execute(
            update(SigningKey).where(SigningKey.id != successor, is_current).values(published_until=end)
        )

    async def delete_unpublished(self, now: datetime) -> None:
        await self._session.execute(delete(SigningKey).where(SigningKey.published_until <= now))


class RevocationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: RevocationRow) -> None:
        self._session.add(row)
        await self._session.flush()

    async def oldest_running_transaction(self) -> int:
        """The oldest running transaction; revocations of all earlier ones are visible."""
        oldest = func.pg_snapshot_xmin(func.pg_current_snapshot())
        return (await self._session.execute(select(cast(cast(oldest, Text), BigInteger)))).scalar_one()

    async def since(self, transaction: int) -> Sequence[RevocationRow]:
        statement = select(RevocationRow).where(RevocationRow.transaction >= transaction)
        return (await self._session.scalars(statement)).all()

    async def delete_expired(self, now: datetime) -> None:
        await self._session.execute(delete(RevocationRow).where(RevocationRow.expires_at <= now))
