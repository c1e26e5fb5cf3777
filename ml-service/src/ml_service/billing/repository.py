"""Queries of refunds that billing has not answered yet."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, cast

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database
from kit.idempotency import Claim
from kit.identity import UserId
from ml_service.billing.port import ChargeKey
from ml_service.orm import PendingRefund

Kind = Literal["charge", "hold"]


class Refund(NamedTuple):
    """The refund of the charge or the hold with this key."""

    key: ChargeKey
    user_id: UserId
    kind: Kind = "charge"


class RefundRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, refunds: Sequence[Refund], claim: Claim | None = None) -> bool:
        async with self._database.transaction() as session:
            if claim is not None and not await claim.is_current(session):
                return False
            await insert_refunds(session, refunds)
        return True

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        statement = select(PendingRefund.key).where(PendingRefund.key.in_(keys))
        async with self._database.read() as session:
            return set((await session.scalars(statement)).all())

    async def list_oldest(self, count: int) -> Sequence[Refund]:
        statement = select(PendingRefund).order_by(PendingRefund.created_at).limit(count)
        async with self._database.read() as session:
            rows = (await session.scalars(statement)).all()
        return [Refund(ChargeKey(row.key), UserId(row.user_id), cast("Kind", row.kind)) for row in rows]

    async def count_older(self, age: timedelta) -> int:
        statement = select(func.count()).select_from(PendingRefund)
        older = statement.where(PendingRefund.created_at < func.now() - age)
        async with self._database.read() as session:
            return (await session.execute(older)).scalar_one()

    async def delete(self, keys: Sequence[ChargeKey]) -> None:
        async with self._database.autocommit() as session:
            await session.execute(delete(PendingRefund).where(PendingRefund.key.in_(keys)))


async def insert_refunds(session: AsyncSession, refunds: Sequence[Refund]) -> None:
    """Record refunds in the transaction of their cause; one that is recorded already stays as it is."""
    if refunds:
        statement = insert(PendingRefund).values([refund._asdict() for refund in refunds])
        await session.execute(statement.on_conflict_do_nothing())
