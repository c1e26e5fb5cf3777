"""Charges a card and credits the tokens, once for each key."""

from billing_service.errors import WalletNotFound
from billing_service.ledger.commands import Buy, Credited
from billing_service.ledger.service import Ledger
from billing_service.purchases.cards import Card, CardProvider
from billing_service.purchases.queries import PurchaseRepository
from billing_service.wallets.repository import WalletRepository
from kit.database import Database
from kit.idempotency import IdempotencyKeyReused
from kit.identity import UserId


class Purchases:
    def __init__(self, database: Database, ledger: Ledger, cards: CardProvider) -> None:
        self._database, self._ledger, self._cards = database, ledger, cards

    async def buy(self, user_id: UserId, tokens: int, card: Card, key: str) -> Credited:
        """Whatever step a crash interrupts, the same request again completes it and charges nothing more."""
        order = Buy(user_id, key, tokens, card.brand, card.last_four)
        await self._record(order)
        await self._cards.charge(key, card, tokens)
        try:
            return await self._ledger.credit(order)
        except WalletNotFound:
            await self._cards.refund(key)
            raise

    async def _record(self, order: Buy) -> None:
        async with self._database.transaction() as session:
            await WalletRepository(session).get(order.user_id)
            if await PurchaseRepository(session).record(order) != order.input_hash:
                raise IdempotencyKeyReused
