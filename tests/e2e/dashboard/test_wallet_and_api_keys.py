"""The wallet and the API keys."""

import re

from tests.support.browser import Somebody, Window
from tests.support.stack import Stack

from farebox import Farebox


def test_tokens_are_bought_and_the_ledger_tells_it(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="wallet")
    window.is_at("Wallet")
    window.tab("Buy tokens")
    window.fill("Card number", "1234-5678-9999-0000")
    window.press("Buy")
    window.sees("50 tokens bought; you have 65 now.")
    assert somebody.client.wallet.balance().available == 65
    window.tab("Ledger")
    window.choose("Receipt", re.compile("."))
    window.picture("wallet")


def test_a_declined_card_is_told_and_buys_nothing(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="wallet")
    window.is_at("Wallet")
    window.tab("Buy tokens")
    window.fill("Card number", "4000-0000-0000-0002")
    window.press("Buy")
    window.sees("declined")
    window.picture("wallet-declined")
    assert somebody.client.wallet.balance().available == 15


def test_usage_is_shown_by_day_and_by_action(owners_window: Window) -> None:
    owners_window.go("Wallet")
    owners_window.tab("Usage")
    owners_window.sees("spent in the last 30 days")
    owners_window.picture("wallet-usage")
    owners_window.page.get_by_text("Action", exact=True).click()
    owners_window.sees_no("spent in the last 30 days")


def test_a_key_is_shown_once_works_and_is_revoked(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="api-keys")
    window.is_at("API keys")
    window.fill("Name", "my notebook")
    window.press("Make the key")
    window.sees("Copy it now")
    window.picture("api-keys")
    secret = window.page.get_by_test_id("stCode").inner_text().strip()
    with Farebox(stack.url, api_key=secret) as client:
        assert client.me.get().name == somebody.name

    window.go("Home")
    window.go("API keys")
    assert secret not in window.page.content()
    window.press("Revoke")
    window.press("Revoke it")
    window.sees("You have no keys yet.")


def test_a_key_without_a_name_is_asked_for_one(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="api-keys")
    window.is_at("API keys")
    window.press("Make the key")
    window.sees("Give it a name")
    assert list(somebody.client.api_keys.list()) == []
