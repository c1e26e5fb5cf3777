"""Rules for charges and refunds."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.support.billing_books import LATER, NOW, QUOTE, USER, books_with, charge, prediction, wallet_in

from billing_service.errors import (
    ChargeRefunded,
    NotEnoughTokens,
    QuoteExpired,
    QuoteNotFound,
    TokenCapReached,
    WalletNotFound,
)
from billing_service.ledger.books import Books
from billing_service.ledger.commands import CloseWallet, RefundCharge, SettleHold
from billing_service.ledger.rows import House
from billing_service.ledger.rules import decide, decide_all
from kit.digests import fingerprint
from kit.errors import DeadlinePassed, IdempotencyKeyReused
from kit.identity import UserId

REFUND = RefundCharge("work", USER)
MOMENT = timedelta(milliseconds=1)


class TestCharge:
    def test_charge_debits_the_price(self) -> None:
        books = books_with(15)
        charged = decide(charge(units=2), books, NOW)
        assert (charged.tokens, charged.available, charged.replayed) == (10, 5, False)
        assert (wallet_in(books).posted, wallet_in(books).held) == (5, 0)

    def test_charge_writes_transfer_and_receipt(self) -> None:
        books = books_with()
        charged = decide(charge(), books, NOW)
        ((debit, credit, amount, balance, details, *_),) = books.changes.transfers
        assert (debit, credit, amount, balance) == (1000, House.REVENUE, 5, 10)
        assert (details.kind, details.key, details.receipt_id) == ("charge", "work", charged.receipt_id)
        (receipt,) = books.changes.receipts
        assert (receipt.id, receipt.kind, receipt.tokens) == (charged.receipt_id, "charge", 5)
        assert (receipt.action, receipt.resource, receipt.price_version) == ("predict", "a-model", 3)

    def test_charge_writes_no_other_row(self) -> None:
        books = books_with()
        decide(charge(), books, NOW)
        assert books.changes.first_answers == []
        assert books.changes.new_holds == {}

    def test_one_token_too_few_is_refused_and_changes_nothing(self) -> None:
        books = books_with(14, held=10)
        with pytest.raises(NotEnoughTokens) as refusal:
            decide(charge(), books, NOW)
        own = {"kind": "own", "account": "wallet:7", "available": 4, "held": 10, "expires_at": None}
        assert refusal.value.members == {"required": 5, "available": 4, "payers": [own], "limit": None}
        assert books == books_with(14, held=10)

    def test_same_key_and_input_replays_first_answer(self) -> None:
        books = books_with()
        first = decide(charge("a"), books, NOW)
        decide(charge("b"), books, NOW)
        again = decide(charge("a", request_id="another"), books, NOW)
        assert (again.receipt_id, again.tokens, again.available) == (first.receipt_id, 5, 10)
        assert again.replayed
        assert wallet_in(books).posted == 5

    @pytest.mark.parametrize(
        "other", [{"units": 2}, {"resource": "another"}, {"quote_id": QUOTE}, {"action": "metadata"}]
    )
    def test_same_key_with_other_input_is_refused(self, other: dict[str, object]) -> None:
        books = books_with()
        decide(charge(), books, NOW)
        with pytest.raises(IdempotencyKeyReused):
            decide(charge(**other), books, NOW)

    @pytest.mark.parametrize(("first", "second"), [(9, None), (None, 9)])
    def test_retry_with_another_credential_is_a_replay(self, first: int | None, second: int | None) -> None:
        books = books_with()
        decide(charge(cap=first), books, NOW)
        assert decide(charge(cap=second), books, NOW).replayed
        assert wallet_in(books).posted == 10

    def test_input_stored_by_the_previous_release_is_a_replay(self) -> None:
        books = books_with()
        work = charge(cap=9)
        charged = decide(work, books, NOW)
        with_api_key = fingerprint(USER, "predict", 1, "a-model", 5, None)
        books.receipts[charged.receipt_id] = books.changes.receipts[0]._replace(input_hash=with_api_key)
        assert decide(work, books, NOW).replayed
        with pytest.raises(IdempotencyKeyReused):
            decide(charge(), books, NOW)

    def test_free_charge_has_receipt_and_no_transfer(self) -> None:
        books = books_with(0)
        assert decide(charge(action="metadata"), books, NOW).tokens == 0
        assert len(books.changes.receipts) == 1
        assert books.changes.transfers == []

    def test_closed_wallet_is_refused(self) -> None:
        books = books_with(0)
        wallet_in(books).closed_at = NOW
        with pytest.raises(WalletNotFound):
            decide(charge(action="metadata"), books, NOW)

    @pytest.mark.parametrize(
        ("quote", "now", "error"), [(QUOTE, LATER, QuoteExpired), (uuid4(), NOW, QuoteNotFound)]
    )
    def test_invalid_quote_is_refused(self, quote: object, now: datetime, error: type[Exception]) -> None:
        with pytest.raises(error):
            decide(charge(quote_id=quote), books_with(), now)

    def test_quote_keeps_its_price_version(self) -> None:
        books = books_with()
        assert decide(charge(units=3, quote_id=QUOTE), books, NOW).tokens == 6
        assert books.changes.receipts[0].price_version == 2

    def test_token_cap_counts_charged_tokens(self) -> None:
        books = books_with(100)
        decide(charge("a", cap=9), books, NOW)
        with pytest.raises(TokenCapReached) as refusal:
            decide(charge("b", cap=9), books, NOW)
        assert refusal.value.members == {"required": 5, "available": 4}


class TestDeadline:
    def test_late_charge_is_refused_and_changes_nothing(self) -> None:
        books = books_with()
        with pytest.raises(DeadlinePassed):
            decide(charge(decide_by=NOW), books, NOW + MOMENT)
        assert books == books_with()

    def test_charge_at_the_deadline_is_accepted(self) -> None:
        assert decide(charge(decide_by=NOW), books_with(), NOW).tokens == 5

    def test_late_retry_of_a_charge_is_a_replay(self) -> None:
        books = books_with()
        decide(charge(), books, NOW)
        assert decide(charge(decide_by=NOW), books, LATER).replayed

    def test_late_charge_after_its_refund_is_refused_as_refunded(self) -> None:
        books = books_with()
        decide(REFUND, books, NOW)
        with pytest.raises(ChargeRefunded):
            decide(charge(decide_by=NOW), books, LATER)

    def test_charges_and_holds_of_an_abandoned_call_are_refused(self) -> None:
        books = books_with()
        decide(prediction("held"), books, NOW)
        decide(charge(), books, NOW)
        batch = [charge("new"), prediction("newer"), SettleHold("held"), REFUND]
        outcomes = decide_all(batch, books, NOW, is_abandoned=True)
        assert [isinstance(outcome, DeadlinePassed) for outcome in outcomes] == [True, True, False, False]
        assert (wallet_in(books).posted, wallet_in(books).held) == (10, 0)


class TestRefund:
    def test_refund_reverses_the_charge(self) -> None:
        books = books_with(15)
        charged = decide(charge(), books, NOW)
        refunded = decide(REFUND, books, NOW)
        assert (refunded.tokens, refunded.available, refunded.replayed) == (5, 15, False)
        debit, credit, amount, balance, details, *_ = books.changes.transfers[-1]
        assert (debit, credit, amount, balance) == (House.REVENUE, 1000, 5, 15)
        assert (details.kind, details.note) == ("refund", f"receipt {charged.receipt_id}")
        receipt = books.changes.receipts[-1]
        assert (receipt.kind, receipt.tokens, receipt.resource) == ("refund", 5, "a-model")

    def test_second_refund_replays_the_first(self) -> None:
        books = books_with(15)
        decide(charge(), books, NOW)
        first = decide(REFUND, books, NOW)
        decide(charge("another"), books, NOW)
        again = decide(REFUND, books, NOW)
        assert (again.tokens, again.available, again.replayed) == (first.tokens, first.available, True)
        assert wallet_in(books).posted == 10

    def test_charge_after_its_refund_is_refused(self) -> None:
        books = books_with(15)
        decide(charge(), books, NOW)
        decide(REFUND, books, NOW)
        with pytest.raises(ChargeRefunded):
            decide(charge(), books, NOW)

    def test_refund_before_its_charge_voids_the_key(self) -> None:
        books = books_with(15)
        refunded = decide(REFUND, books, NOW)
        assert (refunded.tokens, refunded.available, refunded.work) == (0, 15, None)
        with pytest.raises(ChargeRefunded):
            decide(charge(), books, NOW)
        assert decide(REFUND, books, NOW).replayed
        assert wallet_in(books).posted == 15

    def test_free_charge_is_refunded_without_transfer(self) -> None:
        books = books_with(0)
        decide(charge(action="metadata"), books, NOW)
        assert decide(REFUND, books, NOW).tokens == 0
        assert [receipt.kind for receipt in books.changes.receipts] == ["charge", "refund"]
        assert books.changes.transfers == []

    def test_refund_reduces_the_usage_of_the_api_key(self) -> None:
        books = books_with(100)
        decide(charge(cap=5), books, NOW)
        decide(REFUND, books, NOW)
        assert decide(charge("another", cap=5), books, NOW).tokens == 5

    def test_refund_by_another_user_is_refused(self) -> None:
        books = books_with()
        decide(charge(), books, NOW)
        with pytest.raises(IdempotencyKeyReused):
            decide(RefundCharge("work", UserId(8)), books, NOW)
        assert wallet_in(books).posted == 10

    def test_refund_to_a_closed_wallet_expires(self) -> None:
        books = books_with(15)
        decide(charge(), books, NOW)
        decide(CloseWallet(USER), books, NOW)
        refunded = decide(REFUND, books, LATER)
        assert (refunded.tokens, refunded.available) == (5, 0)
        wallet = wallet_in(books)
        assert (wallet.posted, wallet.closed_at) == (0, NOW)
        assert _balance(books, House.EXPIRED) == 15
        assert _balance(books, House.REVENUE) == 0

    def test_refund_without_wallet_voids_the_key(self) -> None:
        books = Books({}, {})
        assert decide(REFUND, books, NOW).available == 0
        assert len(books.changes.first_answers) == 1


def _balance(books: Books, house: House) -> int:
    moves = books.changes.transfers
    credits = sum(move.amount for move in moves if move.credit_account == house)
    return credits - sum(move.amount for move in moves if move.debit_account == house)
