"""Queries of prices and quotes, and their changes."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.models import Price as PriceRow
from billing_service.models import Quote
from billing_service.prices.rules import Action, Price, QuoteRequest
from billing_service.settings import Settings
from kit.errors import IdempotencyKeyReused
from kit.identity import UserId


async def add_first_prices(session: AsyncSession, settings: Settings) -> None:
    """Add the prices from the settings for actions without a price."""
    first = [
        Price("train", 1, settings.price_train, 1),
        Price("predict", 1, settings.price_predict, 1),
        Price("batch", 1, settings.price_batch, settings.price_batch_rows),
        Price("metadata", 1, settings.price_metadata, 1),
        Price("score", 1, settings.price_score, 1),
    ]
    await session.execute(insert(PriceRow).on_conflict_do_nothing(), [asdict(price) for price in first])


async def list_prices(session: AsyncSession) -> Sequence[PriceRow]:
    """The current price of each action."""
    newest = select(PriceRow).order_by(PriceRow.action, PriceRow.version.desc())
    return (await session.scalars(newest.ext(distinct_on(PriceRow.action)))).all()


async def change_price(
    session: AsyncSession, action: Action, tokens: int, per_units: int, set_by: UserId
) -> PriceRow:
    """Add a new version, unless it equals the current one."""
    # An advisory lock, because rows of an append-only table cannot be locked by this role.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"price {action}"))))
    current = await _current_price(session, action)
    if (current.tokens, current.per_units) == (tokens, per_units):
        return current
    price = Price(action, current.version + 1, tokens, per_units)
    row = PriceRow(**asdict(price), set_by=set_by)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def create_quote(
    session: AsyncSession, request: QuoteRequest, quote_seconds: int
) -> tuple[Quote, bool]:
    """Create a quote; returns it with True if the user's key was replayed."""
    row = await _current_price(session, request.action)
    price = Price(row.action, row.version, row.tokens, row.per_units)
    values = {
        **asdict(request),
        "id": uuid4(),
        "tokens": price.cost_of(request.units),
        "price_version": price.version,
        "expires_at": datetime.now(UTC) + timedelta(seconds=quote_seconds),
    }
    # After a conflict, the query below reads the first quote with this key.
    added = insert(Quote).values(values).on_conflict_do_nothing().returning(Quote.id)
    is_new = (await session.execute(added)).first() is not None
    stored = select(Quote).where(Quote.user_id == request.user_id, Quote.key == request.key)
    quote = (await session.scalars(stored)).one()
    if (quote.action, quote.units) != (request.action, request.units):
        raise IdempotencyKeyReused
    return quote, not is_new


async def _current_price(session: AsyncSession, action: str) -> PriceRow:
    statement = select(PriceRow).where(PriceRow.action == action).order_by(PriceRow.version.desc())
    return (await session.scalars(statement.limit(1))).one()
