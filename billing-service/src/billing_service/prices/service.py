"""Changes prices and makes quotes."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.prices.models import Price as PriceRow
from billing_service.prices.models import Quote
from billing_service.prices.queries import PriceRepository
from billing_service.prices.rules import Action, Price, QuoteOrder
from billing_service.settings import Settings
from kit.database import Database
from kit.idempotency import IdempotencyKeyReused
from kit.identity import UserId


class Prices:
    def __init__(self, session: AsyncSession, quote_seconds: int) -> None:
        self._prices, self._quote_seconds = PriceRepository(session), quote_seconds

    async def change(self, action: Action, tokens: int, per_units: int, set_by: UserId) -> PriceRow:
        """Asking for the price that applies already makes no new version."""
        await self._prices.lock(action)
        current = await self._prices.get_current(action)
        if (current.tokens, current.per_units) == (tokens, per_units):
            return current
        return await self._prices.add(Price(action, current.version + 1, tokens, per_units), set_by)

    async def quote(self, order: QuoteOrder) -> tuple[Quote, bool]:
        """The quote, and whether this key had asked for it before."""
        row = await self._prices.get_current(order.action)
        price = Price(row.action, row.version, row.tokens, row.per_units)
        until = datetime.now(UTC) + timedelta(seconds=self._quote_seconds)
        is_new = await self._prices.add_quote(order, price, until)
        quote = await self._prices.get_quote(order.user_id, order.key)
        if (quote.action, quote.units) != (order.action, order.units):
            raise IdempotencyKeyReused
        return quote, not is_new


async def introduce_prices(database: Database, settings: Settings) -> None:
    """Give each action that has no price yet its price from the settings."""
    first = [
        Price("train", 1, settings.price_train, 1),
        Price("predict", 1, settings.price_predict, 1),
        Price("batch", 1, settings.price_batch, settings.price_batch_rows),
        Price("metadata", 1, settings.price_metadata, 1),
    ]
    async with database.transaction() as session:
        await PriceRepository(session).add_first(first)
