"""What administrators see and do, and what nobody else does."""

import re

from playwright.sync_api import expect
from tests.support.browser import Somebody, Window
from tests.support.people import PASSWORD
from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore
from farebox.errors import AccountDisabled, FareboxError, WrongCredentials


def test_the_first_view_is_the_table_of_all_users_and_their_tokens(admins_window: Window) -> None:
    expect(admins_window.page.get_by_test_id("stDataFrame").first).to_be_visible()
    admins_window.sees(re.compile("users?, all of them"))
    admins_window.picture("admin")


def test_nobody_else_is_offered_the_page(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="admin")
    window.sees(somebody.name)
    entries = window.page.get_by_test_id("stSidebarNavLink")
    expect(entries.filter(has_text="Wallet")).to_be_visible()
    expect(entries.filter(has_text="Administration")).to_have_count(0)
    assert window.page.get_by_text("all of them").count() == 0


def test_administrators_cannot_disable_or_delete_themselves(admins_window: Window, stack: Stack) -> None:
    _find(admins_window, stack.admin_name)
    admins_window.choose("User", stack.admin_name)
    admins_window.tab("Account")
    admins_window.sees("nobody can disable or delete themselves")
    expect(admins_window.page.get_by_role("button", name="Disable")).to_be_disabled()
    expect(admins_window.page.get_by_role("button", name="Delete")).to_be_disabled()


def test_a_user_is_found_disabled_and_deleted(
    admins_window: Window, somebody: Somebody, stack: Stack
) -> None:
    _find(admins_window, somebody.name)
    admins_window.choose("User", somebody.name)
    admins_window.tab("Account")
    admins_window.press("Disable")
    admins_window.sees("is disabled.")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        assert isinstance(_refusal(client, somebody.name), AccountDisabled)

    admins_window.tab("Account")
    admins_window.press("Delete")
    admins_window.sees("every model, table and key")
    admins_window.press("Delete for good")
    admins_window.sees("is deleted.")
    admins_window.sees("0 users, all of them.")


def test_only_users_with_so_many_tokens_are_listed(
    admins_window: Window, owner: Somebody, somebody: Somebody
) -> None:
    admins_window.fill("With at least (tokens)", "900")
    admins_window.page.keyboard.press("Enter")
    _find(admins_window, owner.name)
    admins_window.fill("Name contains", somebody.name)
    admins_window.page.keyboard.press("Enter")
    admins_window.sees("0 users, all of them.")


def test_a_user_is_given_a_new_password(admins_window: Window, somebody: Somebody, stack: Stack) -> None:
    _find(admins_window, somebody.name)
    admins_window.choose("User", somebody.name)
    admins_window.tab("New password")
    new_password = admins_window.page.get_by_role("textbox", name="New password", exact=True)
    new_password.fill("x")
    admins_window.press("Set it")
    expect(admins_window.page.get_by_role("alert")).to_be_visible()

    new_password.fill("a password from above")
    admins_window.press("Set it")
    admins_window.sees("has a new password")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        assert isinstance(_refusal(client, somebody.name), WrongCredentials)
        client.log_in(somebody.name, "a password from above")


def test_a_grant_without_a_reason_is_not_made(admins_window: Window, somebody: Somebody) -> None:
    _find(admins_window, somebody.name)
    admins_window.choose("User", somebody.name)
    admins_window.press("Grant")
    admins_window.sees("Say why")
    assert somebody.client.wallet.balance().available == 15


def test_a_price_is_changed(admins_window: Window, stack: Stack) -> None:
    admins_window.tab("Prices")
    admins_window.choose("Action", "Metadata")
    expect(admins_window.field("Tokens")).to_have_value("0")
    admins_window.fill("For each started", "2")
    admins_window.press("Change the price")
    admins_window.sees("Metadata costs 0 tokens from now on.")
    admins_window.picture("admin-prices")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(stack.admin_name, stack.admin_password)
        changed = next(each for each in client.prices.list() if each.action == "metadata")
        client.prices.change("metadata", 0)
    assert changed.per_units == 2


def test_everybodys_usage_is_shown_by_day_and_by_user(admins_window: Window, owner: Somebody) -> None:
    assert owner.client.wallet.balance().available > 0
    admins_window.tab("Usage")
    admins_window.sees("spent in the last 30 days")
    admins_window.page.get_by_text("User", exact=True).locator("visible=true").click()
    admins_window.sees_no("spent in the last 30 days")
    admins_window.picture("admin-usage")


def test_actions_stay_in_step_when_the_list_changes(
    admins_window: Window, owner: Somebody, somebody: Somebody
) -> None:
    _find(admins_window, somebody.name)
    admins_window.choose("User", somebody.name)
    admins_window.sees("Grant tokens")
    _find(admins_window, owner.name)
    admins_window.sees_no("Grant tokens")


def test_the_books_balance_and_the_system_is_ready(admins_window: Window) -> None:
    admins_window.tab("System")
    admins_window.sees("All services are ready")
    admins_window.sees("Jobs that wait")
    admins_window.press("Check the ledger")
    admins_window.sees("The books balance")
    admins_window.picture("admin-system")


def _find(window: Window, name: str) -> None:
    window.fill("Name contains", name)
    window.page.keyboard.press("Enter")
    window.sees("1 user, all of them.")
    window.rest()


def _refusal(client: Farebox, name: str) -> FareboxError | None:
    try:
        client.log_in(name, PASSWORD)
    except FareboxError as error:
        return error
    return None
