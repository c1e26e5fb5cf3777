"""What must hold after any sequence of movements."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.support.billing_books import NOW, USER, books_with, prediction, wallet_in

from billing_service.ledger.books import Books
from billing_service.ledger.commands import (
    BuyTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.rules import decide_all
from kit.identity import UserId

KEYS = st.sampled_from(["a", "b", "c"])
MOVEMENTS: st.SearchStrategy[Command] = st.one_of(
    st.builds(prediction, KEYS, st.integers(0, 4), st.none() | st.integers(0, 20)),
    st.builds(SettleHold, KEYS, st.none() | st.integers(0, 20)),
    st.builds(ReleaseHold, KEYS),
    st.builds(ExtendHold, KEYS, st.integers(1, 100)),
    st.builds(ExpireHold, KEYS),
    st.builds(lambda key, n: GrantTokens(USER, f"grant:{key}", n, "why", UserId(1)), KEYS, st.integers(1, 9)),
    st.builds(lambda key, n: BuyTokens(USER, f"buy:{key}", n, "visa", "4242"), KEYS, st.integers(1, 9)),
)
SEQUENCES = st.lists(MOVEMENTS | st.just(CloseWallet(USER)), max_size=30)


def run(movements: list[Command], start: int) -> Books:
    """One movement a minute, so that holds of a minute expire now and then."""
    books = books_with(start)
    moment: datetime = NOW
    for movement in movements:
        decide_all([movement], books, moment)
        moment += timedelta(seconds=40)
    return books


@given(SEQUENCES, st.integers(0, 40))
def test_nothing_is_ever_overspent(movements: list[Command], start: int) -> None:
    wallet = wallet_in(run(movements, start))
    assert wallet.held >= 0
    assert wallet.available >= 0


@given(SEQUENCES, st.integers(0, 40))
def test_the_balance_is_what_the_transfers_add_up_to(movements: list[Command], start: int) -> None:
    books = run(movements, start)
    moved = sum(
        each.amount if each.credit_account == 1000 else -each.amount for each in books.changes.transfers
    )
    assert wallet_in(books).posted == start + moved
    assert all(each.amount > 0 for each in books.changes.transfers)


@given(SEQUENCES, st.integers(0, 40))
def test_what_is_held_is_what_open_holds_add_up_to(movements: list[Command], start: int) -> None:
    books = run(movements, start)
    assert wallet_in(books).held == sum(h.tokens for h in books.holds.values() if h.state == "held")


@given(SEQUENCES, st.integers(0, 40))
def test_a_key_is_charged_once(movements: list[Command], start: int) -> None:
    operations = [each.details.key for each in run(movements, start).changes.transfers]
    assert len(operations) == len(set(operations))


@given(st.lists(MOVEMENTS, max_size=20), st.integers(0, 40))
def test_a_batch_decides_as_one_after_another_would(movements: list[Command], start: int) -> None:
    together, singly = books_with(start), books_with(start)
    outcomes = decide_all(movements, together, NOW)
    for movement in movements:
        decide_all([movement], singly, NOW)
    assert len(outcomes) == len(movements)
    assert together == singly
