"""Refunds of holds: whatever became of the hold, its user has paid nothing afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.billing_books import LATER, NOW, USER, books_with, prediction, wallet_in

from billing_service.errors import HoldEnded, HoldNotFound
from billing_service.ledger.books import Books
from billing_service.ledger.commands import (
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    Refunded,
    RefundHold,
    Released,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.hold_rules import hold_refund_key
from billing_service.ledger.rows import House
from billing_service.ledger.rules import decide, decide_all
from kit.errors import IdempotencyKeyReused
from kit.identity import UserId

REFUND = RefundHold("work", USER)


class TestRefundOfHeld:
    def test_refund_releases_the_hold(self) -> None:
        books = books_with()
        decide(prediction(units=2), books, NOW)
        assert isinstance(refunded := decide(REFUND, books, NOW), Released)
        assert (refunded.tokens, refunded.available, refunded.replayed) == (10, 15, False)
        assert books.changes.transfers == []
        assert books.holds["work"].state == "released"

    @pytest.mark.parametrize("end", [ReleaseHold("work"), ExpireHold("work")])
    def test_refund_of_an_unpaid_hold_changes_nothing(self, end: Command) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(end, books, LATER)
        state = books.holds["work"].state
        assert decide(REFUND, books, LATER).replayed
        assert (wallet_in(books).available, books.holds["work"].state) == (15, state)

    @pytest.mark.parametrize("late", [SettleHold("work"), ExtendHold("work", 60)])
    def test_settlement_after_the_refund_is_refused(self, late: Command) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(REFUND, books, NOW)
        with pytest.raises(HoldEnded):
            decide(late, books, NOW)
        assert wallet_in(books).available == 15


class TestRefundOfSettled:
    def test_refund_transfers_the_settled_tokens_back(self) -> None:
        books = books_with(15)
        decide(prediction(units=3), books, NOW)
        settled = decide(SettleHold("work", tokens=4), books, NOW)
        assert isinstance(refunded := decide(REFUND, books, NOW), Refunded)
        assert (refunded.tokens, refunded.available, refunded.replayed) == (4, 15, False)
        debit, credit, amount, balance, details, *_ = books.changes.transfers[1]
        assert (debit, credit, amount, balance) == (House.REVENUE, 1000, 4, 15)
        assert (details.kind, details.key) == ("refund", hold_refund_key("work"))
        assert details.note == f"receipt {settled.receipt_id}"

    def test_refund_has_a_receipt_of_its_own(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work", resource="a-new-model"), books, NOW)
        decide(REFUND, books, NOW)
        charge, refund = books.changes.receipts
        assert (refund.kind, refund.tokens, refund.units, refund.resource) == ("refund", 5, 1, "a-new-model")
        assert refund.id not in (charge.id, None)
        assert refund == charge._replace(id=refund.id, kind="refund")

    def test_second_refund_replays_the_first(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work"), books, NOW)
        first = decide(REFUND, books, NOW)
        decide(prediction("more"), books, NOW)
        again = decide(REFUND, books, LATER)
        assert (again.tokens, again.available, again.replayed) == (first.tokens, first.available, True)
        assert len(books.changes.transfers) == 2

    @pytest.mark.parametrize("late", [SettleHold("work"), ReleaseHold("work"), prediction()])
    def test_refunded_hold_stays_ended(self, late: Command) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work"), books, NOW)
        decide(REFUND, books, NOW)
        with pytest.raises(HoldEnded) as refusal:
            decide(late, books, NOW)
        assert refusal.value.members == {"state": "refunded"}

    def test_refund_lowers_the_usage_of_the_api_key(self) -> None:
        books = books_with()
        decide(prediction(units=2, cap=10), books, NOW)
        decide(SettleHold("work", tokens=7), books, NOW)
        decide(REFUND, books, NOW)
        assert books.key_usage == books.changes.key_usage == {5: 0}

    def test_refund_of_free_work_has_no_transfer(self) -> None:
        books = books_with(0)
        decide(prediction(action="metadata"), books, NOW)
        decide(SettleHold("work"), books, NOW)
        assert decide(REFUND, books, NOW).tokens == 0
        assert books.changes.transfers == []
        assert books.holds["work"].state == "refunded"

    def test_refund_to_a_closed_wallet_expires(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work"), books, NOW)
        decide(CloseWallet(USER), books, NOW)
        assert decide(REFUND, books, NOW).available == 0
        assert (wallet_in(books).posted, wallet_in(books).held) == (0, 0)
        assert books.changes.transfers[-1].credit_account == House.EXPIRED


class TestRefundBeforeItsHold:
    def test_key_is_void(self) -> None:
        books = books_with()
        assert isinstance(refunded := decide(REFUND, books, NOW), Refunded)
        assert (refunded.tokens, refunded.available, refunded.work) == (0, 15, None)
        for late in (prediction(), prediction(units=2), SettleHold("work")):
            with pytest.raises(HoldEnded):
                decide(late, books, NOW)
        assert books.changes.transfers == books.changes.receipts == []

    def test_second_refund_is_a_replay(self) -> None:
        books = books_with()
        decide(REFUND, books, NOW)
        assert decide(REFUND, books, NOW).replayed
        assert len(books.changes.new_holds) == 1

    def test_key_is_void_before_the_wallet_opens(self) -> None:
        unopened = books_with()
        nobody = Books({}, unopened.prices)
        assert decide(REFUND, nobody, NOW).available == 0
        unopened.holds = nobody.holds
        with pytest.raises(HoldEnded):
            decide(prediction(), unopened, NOW)
        with pytest.raises(HoldNotFound):
            decide(SettleHold("work"), unopened, NOW)
        assert decide(REFUND, unopened, NOW).replayed


def test_refund_by_another_user_is_refused() -> None:
    books = books_with()
    decide(prediction(), books, NOW)
    with pytest.raises(IdempotencyKeyReused):
        decide(RefundHold("work", UserId(8)), books, NOW)
    assert wallet_in(books).held == 5


KEYS = st.sampled_from(["a", "b"])
# Messages of two pieces of work: dropped, doubled and in any order.
MESSAGES: st.SearchStrategy[Command] = st.one_of(
    st.builds(prediction, KEYS, st.integers(1, 3), st.none() | st.integers(0, 30)),
    st.builds(SettleHold, KEYS, st.none() | st.integers(0, 15)),
    st.builds(ReleaseHold, KEYS),
    st.builds(ExtendHold, KEYS, st.integers(1, 100)),
    st.builds(ExpireHold, KEYS),
    st.builds(RefundHold, KEYS, st.just(USER)),
    st.just(CloseWallet(USER)),
)


@given(st.lists(MESSAGES, max_size=25), st.lists(MESSAGES, max_size=10), st.sampled_from([NOW, LATER]))
def test_user_pays_nothing_for_a_hold_once_its_refund_was_answered(
    before: list[Command], after: list[Command], moment: object
) -> None:
    books = books_with(40)
    for batch, now in ((before, NOW), ([RefundHold("a", USER)], NOW), (after, moment)):
        decide_all(batch, books, now)  # pyright: ignore[reportArgumentType] - sampled from moments
        _assert_conserved(books, 40)
    assert _paid(books, "a") == 0
    assert books.holds["a"].state in ("released", "expired", "refunded")


def _paid(books: Books, hold: str) -> int:
    """The user's net payment for this hold, without what expired at the wallet's closing."""
    keys = (hold, hold_refund_key(hold))
    moves = [each for each in books.changes.transfers if each.details.key in keys]
    return sum(each.amount if each.debit_account == 1000 else -each.amount for each in moves)


def _assert_conserved(books: Books, start: int) -> None:
    wallet = wallet_in(books)
    moved = sum(t.amount if t.credit_account == 1000 else -t.amount for t in books.changes.transfers)
    assert wallet.posted == start + moved
    assert wallet.available >= 0
    assert wallet.held == sum(hold.tokens for hold in books.holds.values() if hold.state == "held")
    counted = [hold for hold in books.holds.values() if hold.api_key_id is not None]
    held = sum(hold.tokens for hold in counted if hold.state == "held")
    settled = sum(hold.settled_tokens or 0 for hold in counted if hold.state == "settled")
    assert sum(books.key_usage.values()) == held + settled
    assert len({t.details.key for t in books.changes.transfers}) == len(books.changes.transfers)
