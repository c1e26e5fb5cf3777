"""Books and commands for tests of the ledger's rules."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing_service.ledger.books import Books
from billing_service.ledger.commands import ChargeTokens, KeyCap, PlaceHold
from billing_service.ledger.rows import Quote, Wallet
from billing_service.prices.rules import Price
from kit.identity import ApiKeyId, UserId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
USER = UserId(7)
QUOTE = UUID(int=1)


def books_with(tokens: int = 15, held: int = 0) -> Books:
    """One wallet of USER, and a quote with an earlier price of 2 tokens a prediction."""
    prices = {"predict": Price("predict", 3, 5, 1), "metadata": Price("metadata", 1, 0, 1)}
    quotes = {QUOTE: Quote(USER, Price("predict", 2, 2, 1), LATER)}
    return Books({1000: Wallet(1000, USER, tokens, held)}, prices, quotes=quotes)


def wallet_in(books: Books) -> Wallet:
    return books.wallets[1000]


def prediction(key: str = "work", units: int = 1, cap: int | None = None, **fields: object) -> PlaceHold:
    api_key = KeyCap(ApiKeyId(5), cap) if cap is not None else None
    values = {"action": "predict", "ttl_seconds": 60, "resource": "a-model", **fields}
    return PlaceHold(USER, key, units=units, api_key=api_key, **values)  # pyright: ignore[reportArgumentType] - test input


def charge(key: str = "work", units: int = 1, cap: int | None = None, **fields: object) -> ChargeTokens:
    api_key = KeyCap(ApiKeyId(5), cap) if cap is not None else None
    values = {"action": "predict", "resource": "a-model", **fields}
    return ChargeTokens(USER, key, units=units, api_key=api_key, **values)  # pyright: ignore[reportArgumentType] - test input
