"""Card numbers, and the simulated card provider."""

import pytest

from billing_service.errors import CardDeclined
from billing_service.purchases.cards import SimulatedCards, parse_card


@pytest.mark.parametrize(
    ("number", "brand", "last_four"),
    [
        ("1234-5678-9999-0000", "card", "0000"),
        ("4242 4242 4242 4242", "visa", "4242"),
        ("5555555555554444", "mastercard", "4444"),
        ("2720990000000007", "mastercard", "0007"),
        ("2721000000000000", "card", "0000"),
        ("378282246310005", "amex", "0005"),
        ("123456789012", "card", "9012"),
        ("1234567890123456789", "card", "6789"),
    ],
)
def test_card_number_gives_brand_and_last_four_digits(number: str, brand: str, last_four: str) -> None:
    card = parse_card(number)
    assert (card.brand, card.last_four) == (brand, last_four)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "12345678901",
        "12345678901234567890",
        "4242--4242-4242-4242",
        "4242-4242-4242-424x",
        "٤٢٤٢" * 4,
        "-" * 16,
    ],
)
def test_invalid_card_number_is_refused_and_not_repeated(number: str) -> None:
    with pytest.raises(ValueError, match="must be a card number of 12 to 19 digits"):
        parse_card(number)


def test_repr_of_card_hides_its_number() -> None:
    assert "424242" not in repr(parse_card("4242424242424242"))


async def test_simulated_provider_declines_one_card() -> None:
    with pytest.raises(CardDeclined):
        await SimulatedCards().charge("key", parse_card("4000-0000-0000-0002"), 10)
