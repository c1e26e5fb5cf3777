"""A card provider for courses and trials: nobody pays, one card is always declined."""

from billing_service.errors import CardDeclined
from billing_service.purchases.cards import Card

DECLINED = "4000000000000002"


class SimulatedCards:
    """Implements CardProvider; it keeps nothing, so a repeated charge has nothing to repeat."""

    async def charge(self, key: str, card: Card, tokens: int) -> None:  # noqa: ARG002 - the port's shape
        if card.number == DECLINED:
            raise CardDeclined

    async def refund(self, key: str) -> None:
        """Nothing was taken."""
