"""Card numbers, and the simulated card provider."""

import time

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


@pytest.mark.parametrize("piece", ["1", "1-", "1 ", "11 ", "-", " "])
@pytest.mark.parametrize("end", ["", "x"])
def test_time_of_parsing_grows_linearly(piece: str, end: str) -> None:
    short, long = (least_seconds(piece * length + end) for length in (20_000, 80_000))
    # Four times the length; quadratic growth would be sixteen times. The constant is the clock's noise.
    assert long < 8 * short + 0.001


def test_repr_of_card_hides_its_number() -> None:
    assert "424242" not in repr(parse_card("4242424242424242"))


async def test_simulated_provider_declines_one_card() -> None:
    with pytest.raises(CardDeclined):
        await SimulatedCards().charge("key", parse_card("4000-0000-0000-0002"), 10)


def least_seconds(text: str) -> float:
    seconds: list[float] = []
    for _ in range(5):
        started = time.perf_counter()
        with pytest.raises(ValueError, match="card number"):
            parse_card(text)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
