"""The wallet page and the API keys page."""

import re

from tests.support.browser import Account, Window
from tests.support.stack import Stack

from farebox import Farebox


def test_purchase_is_credited_and_listed_in_ledger(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="wallet")
    window.expect_page("Wallet")
    window.open_tab("Buy tokens")
    window.fill("Card number", "1234-5678-9999-0000")
    window.click("Buy")
    window.expect_text("Bought 50 tokens; balance 65.")
    assert account.client.wallet.balance().available == 65
    window.open_tab("Ledger")
    window.select("Receipt", re.compile("."))
    window.screenshot("wallet")


def test_declined_card_shows_an_error_and_buys_nothing(
    window: Window, account: Account, stack: Stack
) -> None:
    window.open_as(account.name, stack, path="wallet")
    window.expect_page("Wallet")
    window.open_tab("Buy tokens")
    window.fill("Card number", "4000-0000-0000-0002")
    window.click("Buy")
    window.expect_text("declined")
    window.screenshot("wallet-declined")
    assert account.client.wallet.balance().available == 15


def test_usage_is_grouped_by_day_or_action(owner_window: Window) -> None:
    owner_window.go("Wallet")
    owner_window.open_tab("Usage")
    owner_window.expect_text("spent in the last 30 days")
    owner_window.screenshot("wallet-usage")
    owner_window.page.get_by_text("Action", exact=True).click()
    owner_window.expect_no_text("spent in the last 30 days")


def test_api_key_is_shown_once_works_and_is_revoked(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="api-keys")
    window.expect_page("API keys")
    window.fill("Name", "my notebook")
    window.click("Create key")
    window.expect_text("Copy it now")
    window.screenshot("api-keys")
    secret = window.page.get_by_test_id("stCode").inner_text().strip()
    with Farebox(stack.url, api_key=secret) as client:
        assert client.me.get().name == account.name

    window.go("Home")
    window.go("API keys")
    assert secret not in window.page.content()
    window.click("Revoke")
    window.click("Revoke key")
    window.expect_text("You have no API keys yet.")


def test_api_key_without_name_is_refused(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="api-keys")
    window.expect_page("API keys")
    window.click("Create key")
    window.expect_text("Enter a name.")
    assert list(account.client.api_keys.list()) == []
