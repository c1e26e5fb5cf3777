"""The card provider that purchases are paid through, and a simulated one."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Card:
    """The number leaves this object towards the provider only."""

    number: str = field(repr=False)
    brand: str
    last_four: str


class CardProvider(Protocol):
    """Takes the money. A key stands for one charge: calling again with it charges nothing more."""

    async def charge(self, key: str, card: Card, tokens: int) -> None:
        """Raises CardDeclined."""
        ...

    async def refund(self, key: str) -> None:
        """Gives back what was charged under this key, if anything was."""
        ...
