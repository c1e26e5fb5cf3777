"""The administration page, and its absence for other users."""

import re

from playwright.sync_api import expect
from tests.support.browser import Account, Window
from tests.support.people import PASSWORD
from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore
from farebox.errors import AccountDisabled, FareboxError, WrongCredentials


def test_first_tab_lists_all_users_with_their_tokens(admin_window: Window) -> None:
    expect(admin_window.page.get_by_test_id("stDataFrame").first).to_be_visible()
    admin_window.expect_text(re.compile("users? found"))
    admin_window.screenshot("admin")


def test_user_sees_no_administration_page(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="admin")
    window.expect_text(account.name)
    entries = window.page.get_by_test_id("stSidebarNavLink")
    expect(entries.filter(has_text="Wallet")).to_be_visible()
    expect(entries.filter(has_text="Administration")).to_have_count(0)
    assert window.page.get_by_text("Minimum tokens").count() == 0


def test_admin_cannot_disable_or_delete_own_account(admin_window: Window, stack: Stack) -> None:
    _find(admin_window, stack.admin_name)
    admin_window.select("User", stack.admin_name)
    admin_window.open_tab("Account")
    admin_window.expect_text("cannot disable or delete your own account")
    expect(admin_window.page.get_by_role("button", name="Disable")).to_be_disabled()
    expect(admin_window.page.get_by_role("button", name="Delete")).to_be_disabled()


def test_admin_finds_disables_and_deletes_user(admin_window: Window, account: Account, stack: Stack) -> None:
    _find(admin_window, account.name)
    admin_window.select("User", account.name)
    admin_window.open_tab("Account")
    admin_window.click("Disable")
    admin_window.expect_text(f"Disabled {account.name}.")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        assert isinstance(_refusal(client, account.name), AccountDisabled)

    admin_window.open_tab("Account")
    admin_window.click("Delete")
    admin_window.expect_text("all models, datasets and API keys")
    admin_window.click("Delete user")
    admin_window.expect_text(f"Deleted {account.name}.")
    admin_window.expect_text(re.compile(r"^0 users found"))


def test_user_list_is_filtered_by_minimum_tokens(
    admin_window: Window, owner: Account, account: Account
) -> None:
    admin_window.fill("Minimum tokens", "900")
    admin_window.page.keyboard.press("Enter")
    _find(admin_window, owner.name)
    admin_window.fill("Name contains", account.name)
    admin_window.page.keyboard.press("Enter")
    admin_window.expect_text(re.compile(r"^0 users found"))


def test_admin_resets_password_of_user(admin_window: Window, account: Account, stack: Stack) -> None:
    _find(admin_window, account.name)
    admin_window.select("User", account.name)
    admin_window.open_tab("Reset password")
    new_password = admin_window.page.get_by_role("textbox", name="New password", exact=True)
    new_password.fill("x")
    admin_window.click("Reset password")
    expect(admin_window.page.get_by_role("alert")).to_be_visible()

    new_password.fill("a password from above")
    admin_window.click("Reset password")
    admin_window.expect_text(f"Password of {account.name} reset")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        assert isinstance(_refusal(client, account.name), WrongCredentials)
        client.log_in(account.name, "a password from above")


def test_grant_without_reason_is_refused(admin_window: Window, account: Account) -> None:
    _find(admin_window, account.name)
    admin_window.select("User", account.name)
    admin_window.click("Grant")
    admin_window.expect_text("Enter a reason")
    assert account.client.wallet.balance().available == 15


def test_admin_changes_price(admin_window: Window, stack: Stack) -> None:
    admin_window.open_tab("Prices")
    admin_window.select("Action", "Metadata")
    expect(admin_window.field("Tokens")).to_have_value("0")
    admin_window.fill("Per units", "2")
    admin_window.click("Change price")
    admin_window.expect_text("Metadata now costs 0 tokens per 2 units.")
    admin_window.screenshot("admin-prices")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(stack.admin_name, stack.admin_password)
        changed = next(price for price in client.prices.list() if price.action == "metadata")
        client.prices.change("metadata", 0)
    assert changed.per_units == 2


def test_usage_of_all_users_is_shown_by_day_and_by_user(admin_window: Window, owner: Account) -> None:
    assert owner.client.wallet.balance().available > 0
    admin_window.open_tab("Usage")
    admin_window.expect_text("spent in the last 30 days")
    admin_window.page.get_by_text("User", exact=True).locator("visible=true").click()
    admin_window.expect_no_text("spent in the last 30 days")
    admin_window.screenshot("admin-usage")


def test_selection_is_cleared_when_the_user_is_no_longer_listed(
    admin_window: Window, owner: Account, account: Account
) -> None:
    _find(admin_window, account.name)
    admin_window.select("User", account.name)
    admin_window.expect_text("Grant tokens")
    _find(admin_window, owner.name)
    admin_window.expect_no_text("Grant tokens")


def test_system_is_ready_and_books_balance(admin_window: Window) -> None:
    admin_window.open_tab("System")
    admin_window.expect_text("All services are ready")
    admin_window.expect_text("Queued")
    admin_window.click("Check the ledger")
    admin_window.expect_text("The books balance")
    admin_window.screenshot("admin-system")


def _find(window: Window, name: str) -> None:
    window.fill("Name contains", name)
    window.page.keyboard.press("Enter")
    window.expect_text(re.compile(r"^1 user found"))
    window.wait_until_idle()


def _refusal(client: Farebox, name: str) -> FareboxError | None:
    try:
        client.log_in(name, PASSWORD)
    except FareboxError as error:
        return error
    return None
