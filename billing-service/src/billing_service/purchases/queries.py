"""Record of a purchase, written before its card is charged."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.ledger.commands import BuyTokens
from billing_service.models import Purchase
from billing_service.statements.queries import get_open_wallet
from kit.errors import IdempotencyKeyReused


async def record_purchase(session: AsyncSession, command: BuyTokens) -> None:
    """Insert the purchase; raises WalletNotFound, or IdempotencyKeyReused for a key of another purchase."""
    await get_open_wallet(session, command.user_id)
    row = {
        "key": command.key,
        "input_hash": command.input_hash,
        "user_id": command.user_id,
        "tokens": command.tokens,
        "card_brand": command.card_brand,
        "card_last_four": command.card_last_four,
    }
    await session.execute(insert(Purchase).values(row).on_conflict_do_nothing())
    recorded = select(Purchase.input_hash).where(Purchase.key == command.key)
    if (await session.scalars(recorded)).one() != command.input_hash:
        raise IdempotencyKeyReused
