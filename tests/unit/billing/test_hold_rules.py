"""Rules for placing, settling, releasing, extending and expiring holds."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.support.billing_books import LATER, NOW, QUOTE, books_with, prediction, wallet_in

from billing_service.errors import (
    HoldEnded,
    HoldNotFound,
    NotEnoughTokens,
    QuoteExpired,
    QuoteNotFound,
    SettleAboveHold,
    TokenCapReached,
    WalletNotFound,
)
from billing_service.ledger.commands import (
    ExpireHold,
    ExtendHold,
    PlaceHold,
    ReleaseHold,
    SettleHold,
    StillHeld,
)
from billing_service.ledger.rows import House
from billing_service.ledger.rules import decide
from kit.identity import UserId


class TestPlaceHold:
    def test_hold_reserves_the_price(self) -> None:
        books = books_with(15)
        held = decide(prediction(units=2), books, NOW)
        assert (held.tokens, held.available, held.replayed) == (10, 5, False)
        assert (wallet_in(books).posted, wallet_in(books).held) == (15, 10)

    def test_hold_writes_no_transfer(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        assert books.changes.transfers == []

    def test_hold_of_the_last_token_succeeds(self) -> None:
        assert decide(prediction(), books_with(5), NOW).available == 0

    def test_one_token_too_few_is_refused_with_required_and_available(self) -> None:
        books = books_with(14, held=10)
        with pytest.raises(NotEnoughTokens) as refusal:
            decide(prediction(), books, NOW)
        own = {"kind": "own", "account": "wallet:7", "available": 4, "held": 10, "expires_at": None}
        assert refusal.value.members == {"required": 5, "available": 4, "payers": [own], "limit": None}

    def test_refused_hold_changes_nothing(self) -> None:
        books = books_with(4)
        with pytest.raises(NotEnoughTokens):
            decide(prediction(), books, NOW)
        assert books == books_with(4)

    def test_free_work_has_a_hold_of_zero_tokens(self) -> None:
        books = books_with(0)
        assert decide(prediction(action="metadata"), books, NOW).tokens == 0
        assert "work" in books.changes.new_holds

    def test_user_without_wallet_is_refused(self) -> None:
        books = books_with()
        books.wallets.clear()
        with pytest.raises(WalletNotFound):
            decide(prediction(), type(books)(books.wallets, books.prices), NOW)

    def test_closed_wallet_is_refused(self) -> None:
        books = books_with(0)
        wallet_in(books).closed_at = NOW
        with pytest.raises(WalletNotFound):
            decide(prediction(action="metadata"), books, NOW)


class TestQuotes:
    def test_quote_keeps_its_price_version(self) -> None:
        books = books_with()
        assert decide(prediction(units=3, quote_id=QUOTE), books, NOW).tokens == 6
        assert books.holds["work"].price_version == 2

    def test_expired_quote_is_refused(self) -> None:
        with pytest.raises(QuoteExpired):
            decide(prediction(quote_id=QUOTE), books_with(), LATER)

    def test_unknown_quote_is_refused(self) -> None:
        with pytest.raises(QuoteNotFound):
            decide(prediction(quote_id=uuid4()), books_with(), NOW)

    def test_quote_for_another_action_is_refused(self) -> None:
        with pytest.raises(QuoteNotFound):
            decide(prediction(action="metadata", quote_id=QUOTE), books_with(), NOW)


class TestTokenCap:
    def test_cap_counts_held_and_spent_tokens(self) -> None:
        books = books_with(100)
        decide(prediction("a", cap=10), books, NOW)
        decide(SettleHold("a"), books, NOW)
        decide(prediction("b", cap=10), books, NOW)
        with pytest.raises(TokenCapReached) as refusal:
            decide(prediction("c", cap=10), books, NOW)
        assert refusal.value.members == {"required": 5, "available": 0}

    def test_released_tokens_do_not_count(self) -> None:
        books = books_with(100)
        decide(prediction("a", cap=5), books, NOW)
        decide(ReleaseHold("a"), books, NOW)
        assert decide(prediction("b", cap=5), books, NOW).tokens == 5

    def test_unsettled_tokens_do_not_count(self) -> None:
        books = books_with(100)
        decide(prediction("a", cap=5), books, NOW)
        decide(SettleHold("a", tokens=2), books, NOW)
        assert books.key_usage == {5: 2}


class TestSettle:
    def test_settle_charges_the_whole_hold(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        settled = decide(SettleHold("work"), books, NOW)
        assert (settled.tokens, settled.available) == (5, 10)
        assert (wallet_in(books).posted, wallet_in(books).held) == (10, 0)

    def test_settle_writes_one_transfer_with_its_reason(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        settled = decide(SettleHold("work"), books, NOW)
        (transfer,) = books.changes.transfers
        assert (transfer.debit_account, transfer.credit_account) == (1000, House.REVENUE)
        assert (transfer.amount, transfer.balance_after) == (5, 10)
        details = transfer.details
        assert (details.kind, details.key, details.action) == ("charge", "work", "predict")
        assert (details.resource, details.price_version) == ("a-model", 3)
        assert details.receipt_id == settled.receipt_id

    def test_partial_settle_releases_the_rest(self) -> None:
        books = books_with()
        decide(prediction(units=3), books, NOW)
        assert decide(SettleHold("work", tokens=1), books, NOW).available == 14

    def test_settle_above_hold_is_refused(self) -> None:
        books = books_with(100)
        decide(prediction(), books, NOW)
        with pytest.raises(SettleAboveHold):
            decide(SettleHold("work", tokens=6), books, NOW)
        assert books.holds["work"].state == "held"

    @pytest.mark.parametrize(("action", "tokens"), [("metadata", None), ("predict", 0)])
    def test_settle_of_zero_tokens_writes_receipt_and_no_transfer(
        self, action: str, tokens: int | None
    ) -> None:
        books = books_with()
        decide(prediction(action=action), books, NOW)
        decide(SettleHold("work", tokens=tokens), books, NOW)
        assert books.changes.transfers == []
        assert [receipt.tokens for receipt in books.changes.receipts] == [0]

    def test_second_settle_replays_the_first(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        first = decide(SettleHold("work", tokens=2), books, NOW)
        decide(prediction("more"), books, NOW)
        second = decide(SettleHold("work"), books, NOW)
        assert (second.receipt_id, second.tokens, second.available) == (first.receipt_id, 2, first.available)
        assert second.replayed
        assert len(books.changes.transfers) == 1

    def test_settle_can_name_the_resource(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work", resource="new-model"), books, NOW)
        assert books.changes.receipts[0].resource == "new-model"

    def test_unknown_hold_is_refused(self) -> None:
        with pytest.raises(HoldNotFound):
            decide(SettleHold("work"), books_with(), NOW)

    def test_hold_of_unlocked_wallet_is_refused(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        del books.wallets[1000]
        with pytest.raises(HoldNotFound):
            decide(SettleHold("work"), books, NOW)

    @pytest.mark.parametrize("end", [ReleaseHold("work"), ExpireHold("work")])
    def test_settle_after_release_or_expiry_is_refused(self, end: ReleaseHold | ExpireHold) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(end, books, LATER)
        with pytest.raises(HoldEnded):
            decide(SettleHold("work"), books, LATER)


class TestRelease:
    def test_release_makes_all_tokens_available(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        released = decide(ReleaseHold("work"), books, NOW)
        assert (released.tokens, released.available) == (5, 15)
        assert books.changes.transfers == []

    @pytest.mark.parametrize("end", [ReleaseHold("work"), ExpireHold("work")])
    def test_release_after_release_or_expiry_is_replayed(self, end: ReleaseHold | ExpireHold) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(end, books, LATER)
        assert decide(ReleaseHold("work"), books, LATER).replayed
        assert wallet_in(books).held == 0

    def test_release_after_settle_is_refused(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(SettleHold("work"), books, NOW)
        with pytest.raises(HoldEnded):
            decide(ReleaseHold("work"), books, NOW)


class TestExtend:
    def test_extension_counts_from_now(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        extended = decide(ExtendHold("work", 30), books, LATER)
        assert extended.expires_at == LATER + timedelta(seconds=30)

    @pytest.mark.parametrize("end", [SettleHold("work"), ReleaseHold("work"), ExpireHold("work")])
    def test_extension_of_ended_hold_is_refused(self, end: SettleHold | ReleaseHold | ExpireHold) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(end, books, LATER)
        with pytest.raises(HoldEnded):
            decide(ExtendHold("work", 30), books, LATER)


class TestExpire:
    def test_overdue_hold_is_released(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        assert decide(ExpireHold("work"), books, LATER).available == 15
        assert books.holds["work"].state == "expired"

    def test_hold_within_its_time_to_live_stays_held(self) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        assert isinstance(decide(ExpireHold("work"), books, NOW), StillHeld)

    @pytest.mark.parametrize("end", [SettleHold("work"), ReleaseHold("work"), ExtendHold("work", 7200)])
    def test_ended_or_extended_hold_is_not_expired(self, end: SettleHold | ReleaseHold | ExtendHold) -> None:
        books = books_with()
        decide(prediction(), books, NOW)
        decide(end, books, NOW)
        assert isinstance(decide(ExpireHold("work"), books, LATER), StillHeld)


def test_quote_of_another_user_is_refused() -> None:
    books = books_with()
    wallet = wallet_in(books)
    wallet.owner_id = 8
    other = type(books)({wallet.id: wallet}, books.prices, quotes=books.quotes)
    with pytest.raises(QuoteNotFound):
        decide(PlaceHold(UserId(8), "k", "predict", 1, ttl_seconds=60, quote_id=QUOTE), other, NOW)
