"""Purchases: charge a card and credit the tokens, once for each key."""

from uuid import uuid4

from billing_service.errors import WalletNotFound
from billing_service.ledger.commands import BuyTokens, Credited
from billing_service.ledger.service import Ledger
from billing_service.purchases.cards import Card, CardProvider
from billing_service.purchases.queries import record_purchase
from kit.database import Database
from kit.identity import Caller, UserId


class Purchases:
    def __init__(self, database: Database, ledger: Ledger, cards: CardProvider) -> None:
        self._database, self._ledger, self._cards = database, ledger, cards

    async def buy(self, user_id: UserId, tokens: int, card: Card, key: str) -> Credited:
        """Record the purchase, charge the card, credit the tokens.

        After a crash between any two steps the same request completes the purchase and charges nothing twice.
        """
        command = BuyTokens(user_id, key, tokens, card.brand, card.last_four)
        # Committed before the charge: the key can then never come to stand for another purchase.
        async with self._database.transaction() as session:
            await record_purchase(session, command)
        await self._cards.charge(key, card, tokens)
        try:
            return await self._ledger.credit(command)
        except WalletNotFound:
            # The account was deleted while its card was charged.
            await self._cards.refund(key)
            raise


def purchase_key(caller: Caller, key: str | None) -> str:
    """The caller's Idempotency-Key, which may equal another caller's; a random one without the header."""
    return f"purchase:{caller.user_id}:{key or uuid4().hex}"
