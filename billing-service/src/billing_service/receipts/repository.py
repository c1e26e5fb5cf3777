"""Reads receipts; the ledger writes them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.receipts.models import Receipt


class ReceiptRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, receipt_id: UUID) -> Receipt | None:
        return await self._session.get(Receipt, receipt_id)

    async def list_after(self, owner_id: int, last: Receipt | None, limit: int) -> Sequence[Receipt]:
        """Oldest first."""
        statement = select(Receipt).where(Receipt.owner_id == owner_id)
        if last is not None:
            position = tuple_(Receipt.created_at, Receipt.id)
            statement = statement.where(position > tuple_(last.created_at, last.id))
        statement = statement.order_by(Receipt.created_at, Receipt.id).limit(limit)
        return (await self._session.scalars(statement)).all()
