"""Prices and quotes in the database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.prices.models import Price as PriceRow
from billing_service.prices.models import Quote
from billing_service.prices.rules import Price, QuoteOrder


class PriceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_first(self, prices: Sequence[Price]) -> None:
        """Those of actions that have no price yet."""
        rows = [asdict(price) for price in prices]
        await self._session.execute(insert(PriceRow).on_conflict_do_nothing(), rows)

    async def list_current(self) -> Sequence[PriceRow]:
        newest = select(PriceRow).order_by(PriceRow.action, PriceRow.version.desc())
        statement = newest.ext(distinct_on(PriceRow.action))
        return (await self._session.scalars(statement)).all()

    async def lock(self, action: str) -> None:
        """Whoever changes a price waits for the one who is changing it; rows cannot be locked, only added."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"price {action}"))))

    async def get_current(self, action: str) -> PriceRow:
        statement = select(PriceRow).where(PriceRow.action == action).order_by(PriceRow.version.desc())
        return (await self._session.scalars(statement.limit(1))).one()

    async def add(self, price: Price, set_by: int) -> PriceRow:
        row = PriceRow(**asdict(price), set_by=set_by)
        self._session.add(row)
        await self._session.flush()
        await self._session.refresh(row)
        return row

    async def add_quote(self, order: QuoteOrder, price: Price, expires_at: datetime) -> bool:
        """False when this user's key already has one."""
        promised = {"tokens": price.cost_of(order.units), "price_version": price.version}
        values = {**asdict(order), **promised, "id": uuid4(), "expires_at": expires_at}
        statement = insert(Quote).values(values).on_conflict_do_nothing().returning(Quote.id)
        return (await self._session.execute(statement)).first() is not None

    async def get_quote(self, user_id: int, key: str) -> Quote:
        statement = select(Quote).where(Quote.user_id == user_id, Quote.key == key)
        return (await self._session.scalars(statement)).one()
