"""Sentences of errors, which users read, also through other services."""

import pytest

from billing_service.errors import (
    NotEnoughTokens,
    PurchasesOff,
    QuoteExpired,
    QuoteNotFound,
    TokenCapReached,
    WalletNotFound,
)
from kit.errors import ServiceError

INTERNAL_WORDS = ("hold", "held", "settle", "ledger", "house", "None")


@pytest.mark.parametrize(
    "error",
    [
        NotEnoughTokens(5, 0),
        TokenCapReached(5, 0),
        WalletNotFound(),
        QuoteNotFound(),
        QuoteExpired(),
        PurchasesOff(),
    ],
)
def test_sentence_names_next_step_without_internal_words(error: ServiceError) -> None:
    problem, _, next_step = error.detail.partition(";")
    assert problem
    assert next_step
    assert not [word for word in INTERNAL_WORDS if word in error.detail]


@pytest.mark.parametrize(
    ("required", "cost"),
    [(1, "costs 1 token and"), (2, "costs 2 tokens and"), (1500, "costs 1,500 tokens and")],
)
def test_cost_has_plural_and_thousands_separators(required: int, cost: str) -> None:
    assert cost in NotEnoughTokens(required, 0).detail
    assert cost in TokenCapReached(required, 0).detail
