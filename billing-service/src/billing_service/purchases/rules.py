"""How card numbers are read."""

import re

from billing_service.purchases.cards import Card

WRITTEN = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}")
BRANDS = (
    (re.compile("4"), "visa"),
    (re.compile("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), "mastercard"),
    (re.compile("3[47]"), "amex"),
)


def read_card(text: str) -> Card:
    """12 to 19 digits, with spaces or dashes between them; raises ValueError without repeating them."""
    if WRITTEN.fullmatch(text) is None:
        raise ValueError("must be a card number of 12 to 19 digits")
    number = text.replace(" ", "").replace("-", "")
    return Card(number, brand_of(number), number[-4:])


def brand_of(number: str) -> str:
    """The brand by the first digits, or `card` for any other."""
    return next((brand for start, brand in BRANDS if start.match(number)), "card")
