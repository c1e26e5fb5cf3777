"""Rules for opening, crediting and closing wallets."""

from dataclasses import replace

import pytest
from tests.support.billing_books import NOW, USER, books_with, prediction, wallet_in

from billing_service.errors import WalletNotFound
from billing_service.ledger.commands import BuyTokens, CloseWallet, GrantTokens, OpenWallet
from billing_service.ledger.rows import House
from billing_service.ledger.rules import decide
from kit.errors import IdempotencyKeyReused
from kit.identity import UserId

OPENING = OpenWallet(USER, "opening:digest", 15)
GRANT = GrantTokens(USER, "grant:1:a", 10, "well done", UserId(1))
BUY = BuyTokens(USER, "purchase:7:a", 10, "visa", "4242")


class TestOpenWallet:
    def test_new_wallet_gets_the_opening_grant(self) -> None:
        books = books_with(0)
        assert decide(OPENING, books, NOW).available == 15
        assert books.changes.transfers[0].debit_account == House.GRANTS

    def test_name_with_earlier_grant_gets_nothing(self) -> None:
        books = books_with(0)
        decide(OPENING, books, NOW)
        again = decide(OPENING, books, NOW)
        assert (again.tokens, again.replayed) == (0, True)
        assert wallet_in(books).posted == 15

    def test_opening_grant_of_zero_writes_no_transfer_and_uses_up_the_name(self) -> None:
        books = books_with(0)
        decide(replace(OPENING, tokens=0), books, NOW)
        assert books.changes.transfers == []
        assert decide(OPENING, books, NOW).tokens == 0

    def test_closed_wallet_gets_nothing(self) -> None:
        books = books_with(0)
        wallet_in(books).closed_at = NOW
        assert decide(OPENING, books, NOW).tokens == 0


class TestGrantAndBuy:
    @pytest.mark.parametrize(("command", "house"), [(GRANT, House.GRANTS), (BUY, House.SALES)])
    def test_credit_moves_tokens_from_a_system_account(
        self, command: GrantTokens | BuyTokens, house: House
    ) -> None:
        books = books_with(5)
        assert decide(command, books, NOW).available == 15
        (transfer,) = books.changes.transfers
        assert (transfer.debit_account, transfer.credit_account, transfer.amount) == (house, 1000, 10)

    @pytest.mark.parametrize("command", [GRANT, BUY])
    def test_same_key_is_replayed_and_moves_nothing(self, command: GrantTokens | BuyTokens) -> None:
        books = books_with(5)
        first = decide(command, books, NOW)
        assert decide(command, books, NOW) == replace(first, replayed=True)
        assert wallet_in(books).posted == 15

    @pytest.mark.parametrize("command", [GRANT, BUY])
    def test_same_key_with_another_amount_is_refused(self, command: GrantTokens | BuyTokens) -> None:
        books = books_with(5)
        decide(command, books, NOW)
        with pytest.raises(IdempotencyKeyReused):
            decide(replace(command, tokens=11), books, NOW)

    @pytest.mark.parametrize("command", [GRANT, BUY])
    def test_closed_wallet_is_refused(self, command: GrantTokens | BuyTokens) -> None:
        books = books_with(0)
        wallet_in(books).closed_at = NOW
        with pytest.raises(WalletNotFound):
            decide(command, books, NOW)

    def test_grant_records_reason_and_administrator(self) -> None:
        books = books_with()
        decide(GRANT, books, NOW)
        details = books.changes.transfers[0].details
        assert (details.note, details.made_by) == ("well done", 1)

    def test_purchase_receipt_has_brand_and_last_four_digits(self) -> None:
        books = books_with()
        bought = decide(BUY, books, NOW)
        (receipt,) = books.changes.receipts
        assert (receipt.id, receipt.card_brand, receipt.card_last_four) == (bought.receipt_id, "visa", "4242")


class TestCloseWallet:
    def test_close_releases_holds_and_retires_the_balance(self) -> None:
        books = books_with(15)
        decide(prediction(), books, NOW)
        decide(CloseWallet(USER), books, NOW)
        wallet = wallet_in(books)
        assert (wallet.posted, wallet.held, wallet.closed_at) == (0, 0, NOW)
        (transfer,) = books.changes.transfers
        assert (transfer.credit_account, transfer.amount) == (House.EXPIRED, 15)

    def test_close_of_empty_wallet_writes_no_transfer(self) -> None:
        books = books_with(0)
        decide(CloseWallet(USER), books, NOW)
        assert books.changes.transfers == []

    def test_second_close_changes_nothing(self) -> None:
        books = books_with(15)
        decide(CloseWallet(USER), books, NOW)
        decide(CloseWallet(USER), books, NOW)
        assert len(books.changes.transfers) == 1

    def test_close_for_unknown_user_changes_nothing(self) -> None:
        books = books_with(15)
        decide(CloseWallet(UserId(99)), books, NOW)
        assert books == books_with(15)
