"""SQL of the revocations."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Text, cast, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.revocations.models import RevocationRow


class RevocationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: RevocationRow) -> None:
        self._session.add(row)
        await self._session.flush()

    async def oldest_running_transaction(self) -> int:
        """Every transaction before this one has ended, so its revocations can be seen already."""
        oldest = func.pg_snapshot_xmin(func.pg_current_snapshot())
        return (await self._session.execute(select(cast(cast(oldest, Text), BigInteger)))).scalar_one()

    async def since(self, transaction: int) -> Sequence[RevocationRow]:
        statement = select(RevocationRow).where(RevocationRow.transaction >= transaction)
        return (await self._session.scalars(statement)).all()

    async def delete_expired(self, now: datetime) -> None:
        await self._session.execute(delete(RevocationRow).where(RevocationRow.expires_at <= now))
