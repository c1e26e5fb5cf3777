"""Purchases as they were asked for."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.ledger.commands import Buy
from billing_service.purchases.models import Purchase


class PurchaseRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def record(self, order: Buy) -> bytes:
        """The hash of the input that this key stands for: this order's, unless an earlier one had the key."""
        row = {
            "key": order.key,
            "input_hash": order.input_hash,
            "user_id": order.user_id,
            "tokens": order.tokens,
            "card_brand": order.card_brand,
            "card_last_four": order.card_last_four,
        }
        await self._session.execute(insert(Purchase).values(row).on_conflict_do_nothing())
        known = select(Purchase.input_hash).where(Purchase.key == order.key)
        return (await self._session.scalars(known)).one()
