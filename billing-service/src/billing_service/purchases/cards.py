"""Cards, the port to a card provider, and a simulated provider for courses and trials."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from billing_service.errors import CardDeclined

CARD_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}")
# First digits of the card networks' number ranges.
BRANDS = (
    (re.compile("4"), "visa"),
    (re.compile("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), "mastercard"),
    (re.compile("3[47]"), "amex"),
)
DECLINED_NUMBER = "4000000000000002"


@dataclass(frozen=True, slots=True)
class Card:
    """A card; only the provider receives its number, which is never stored or logged."""

    number: str = field(repr=False)
    brand: str
    last_four: str


class CardProvider(Protocol):
    """Port to a card provider; a repeated charge with the same key has no effect."""

    async def charge(self, key: str, card: Card, tokens: int) -> None:
        """Raises CardDeclined."""
        ...

    async def refund(self, key: str) -> None:
        """Refund the charge with this key, if there was one."""
        ...


class SimulatedCards:
    """Accepts every card except DECLINED_NUMBER, and charges none."""

    async def charge(self, key: str, card: Card, tokens: int) -> None:  # noqa: ARG002 - the port's shape
        if card.number == DECLINED_NUMBER:
            raise CardDeclined

    async def refund(self, key: str) -> None:
        """Nothing was charged."""


def parse_card(text: str) -> Card:
    """Parse 12 to 19 digits with optional spaces or dashes; the ValueError does not repeat them."""
    if CARD_NUMBER.fullmatch(text) is None:
        raise ValueError("must be a card number of 12 to 19 digits")
    number = text.replace(" ", "").replace("-", "")
    return Card(number, brand_of(number), number[-4:])


def brand_of(number: str) -> str:
    """The brand by the first digits; `card` if unknown."""
    return next((brand for start, brand in BRANDS if start.match(number)), "card")
