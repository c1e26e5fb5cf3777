"""Purchases: charge a card and credit the tokens, once for each idempotency key."""

from uuid import uuid4

from billing_service.errors import GroupNotFound, PurchasesOff, WalletNotFound
from billing_service.ledger.commands import BuyTokens, Credited
from billing_service.ledger.service import Ledger
from billing_service.purchases.cards import Card, CardProvider
from billing_service.purchases.queries import record_purchase
from kit.database import Database
from kit.identity import Caller, UserId


class Purchases:
    """Purchases of users and of administrators for them; without a card provider they are switched off."""

    def __init__(self, database: Database, ledger: Ledger, cards: CardProvider | None) -> None:
        self._database, self._ledger, self._cards = database, ledger, cards

    async def buy(
        self, user_id: UserId, tokens: int, card: Card, key: str, group_id: int | None = None
    ) -> Credited:
        """Record the purchase, charge the card, credit the tokens, to the pool of a group if one is named.

        After a crash between two steps, a retry completes the purchase without a second charge.
        Raises PurchasesOff, WalletNotFound, CardDeclined and IdempotencyKeyReused.
        """
        cards = self._cards
        if cards is None:
            raise PurchasesOff
        command = BuyTokens(user_id, key, tokens, card.brand, card.last_four, group_id)
        # Committed before the charge, so that the key never stands for another purchase.
        async with self._database.transaction() as session:
            await record_purchase(session, command)
        await cards.charge(key, card, tokens)
        try:
            return await self._ledger.credit(command)
        except (WalletNotFound, GroupNotFound):
            # The account or the group was deleted during the charge.
            await cards.refund(key)
            raise


def purchase_key(caller: Caller, key: str | None) -> str:
    """The Idempotency-Key, made unique with the user id; random without the header."""
    return f"purchase:{caller.user_id}:{key or uuid4().hex}"
