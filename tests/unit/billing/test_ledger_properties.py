"""Invariants of the books after arbitrary sequences of commands."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.support.billing_books import NOW, USER, books_with, charge, prediction, wallet_in

from billing_service.ledger.books import Books
from billing_service.ledger.charge_rules import charge_receipt_id, refund_key
from billing_service.ledger.commands import (
    BuyTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    RefundCharge,
    RefundHold,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.rows import FirstAnswer, Receipt
from billing_service.ledger.rules import decide_all
from kit.identity import UserId

KEYS = st.sampled_from(["a", "b", "c"])
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(prediction, KEYS, st.integers(0, 4), st.none() | st.integers(0, 20)),
    st.builds(charge, KEYS, st.integers(0, 4), st.none() | st.integers(0, 20)),
    st.builds(RefundCharge, KEYS, st.just(USER)),
    st.builds(RefundHold, KEYS, st.just(USER)),
    st.builds(SettleHold, KEYS, st.none() | st.integers(0, 20)),
    st.builds(ReleaseHold, KEYS),
    st.builds(ExtendHold, KEYS, st.integers(1, 100)),
    st.builds(ExpireHold, KEYS),
    st.builds(lambda key, n: GrantTokens(USER, f"grant:{key}", n, "why", UserId(1)), KEYS, st.integers(1, 9)),
    st.builds(lambda key, n: BuyTokens(USER, f"buy:{key}", n, "visa", "4242"), KEYS, st.integers(1, 9)),
)
SEQUENCES = st.lists(COMMANDS | st.just(CloseWallet(USER)), max_size=30)


def run(commands: list[Command], start: int) -> Books:
    """Decide one command every 40 seconds, so that some holds of 60 seconds are overdue."""
    books = books_with(start)
    moment: datetime = NOW
    for command in commands:
        decide_all([command], books, moment)
        moment += timedelta(seconds=40)
    return books


def refund_of(charge: Receipt, books: Books) -> FirstAnswer | None:
    keys = {charge_receipt_id(key): refund_key(key) for key in ("a", "b", "c")}
    return books.first_answers.get(keys[charge.id])


@given(SEQUENCES, st.integers(0, 40))
def test_wallet_is_never_overspent(commands: list[Command], start: int) -> None:
    wallet = wallet_in(run(commands, start))
    assert wallet.held >= 0
    assert wallet.available >= 0


@given(SEQUENCES, st.integers(0, 40))
def test_posted_equals_sum_of_transfers(commands: list[Command], start: int) -> None:
    books = run(commands, start)
    moved = sum(
        transfer.amount if transfer.credit_account == 1000 else -transfer.amount
        for transfer in books.changes.transfers
    )
    assert wallet_in(books).posted == start + moved
    assert all(transfer.amount > 0 for transfer in books.changes.transfers)


@given(SEQUENCES, st.integers(0, 40))
def test_held_equals_sum_of_open_holds(commands: list[Command], start: int) -> None:
    books = run(commands, start)
    assert wallet_in(books).held == sum(h.tokens for h in books.holds.values() if h.state == "held")


@given(SEQUENCES, st.integers(0, 40))
def test_usage_of_api_key_equals_its_holds_and_charges_less_refunds(
    commands: list[Command], start: int
) -> None:
    books = run(commands, start)
    held = [
        hold.settled_tokens if hold.state == "settled" else hold.tokens
        for hold in books.holds.values()
        if hold.api_key_id is not None and hold.state in ("held", "settled")
    ]
    charged = [receipt for receipt in books.receipts.values() if receipt.api_key_id is not None]
    refunded = [charge for charge in charged if refund_of(charge, books) is not None]
    expected = sum(held) + sum(r.tokens for r in charged) - sum(r.tokens for r in refunded)
    assert sum(books.key_usage.values()) == expected


@given(SEQUENCES, st.integers(0, 40))
def test_each_key_has_at_most_one_transfer(commands: list[Command], start: int) -> None:
    operations = [transfer.details.key for transfer in run(commands, start).changes.transfers]
    assert len(operations) == len(set(operations))


@given(st.lists(COMMANDS, max_size=20), st.integers(0, 40))
def test_batch_equals_commands_one_by_one(commands: list[Command], start: int) -> None:
    together, singly = books_with(start), books_with(start)
    outcomes = decide_all(commands, together, NOW)
    for command in commands:
        decide_all([command], singly, NOW)
    assert len(outcomes) == len(commands)
    assert together == singly
