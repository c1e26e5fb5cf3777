"""Login, registration, sessions and passwords."""

import re

from playwright.sync_api import expect
from tests.e2e.dashboard.conftest import OpenWindow
from tests.support.browser import Account, Window
from tests.support.people import PASSWORD, unused_name
from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore


def test_registration_logs_in_with_opening_grant(window: Window) -> None:
    window.open()
    window.screenshot("log-in")
    window.register(unused_name("clicks"))
    window.expect_page("Home")
    window.expect_text("15 tokens")
    window.expect_text("First steps")
    window.screenshot("home-new")


def test_wrong_password_shows_an_error(window: Window, account: Account) -> None:
    window.open()
    window.log_in(account.name, "not this one")
    window.expect_text(re.compile("password", re.IGNORECASE))
    expect(window.page.get_by_role("alert")).to_be_visible()
    window.screenshot("log-in-refused")
    assert window.cookie() is None


def test_register_refuses_different_passwords(window: Window) -> None:
    window.open()
    window.page.get_by_role("tab", name="Register").click()
    window.fill("Name or e-mail", unused_name("clicks"))
    window.fill("Password", PASSWORD)
    window.fill("Confirm password", "something else")
    window.click("Register")
    window.expect_text("The passwords do not match.")


def test_changed_password_replaces_the_old_one(window: Window, account: Account, stack: Stack) -> None:
    window.open()
    window.page.get_by_role("tab", name="Change password").click()
    window.fill("Name or e-mail", account.name)
    window.fill("Current password", PASSWORD)
    window.fill("New password", "quite another password")
    window.fill("Confirm new password", "quite another password")
    window.click("Change password")
    window.expect_page("Home")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(account.name, "quite another password")


def test_password_change_keeps_this_browser_logged_in_and_ends_others(
    open_window: OpenWindow, account: Account, stack: Stack
) -> None:
    here, elsewhere = open_window(), open_window()
    for window in (here, elsewhere):
        window.open_as(account.name, stack, path="account")
        window.expect_page("Account")
    _change_password(here, "not this one", "quite another password")
    expect(here.page.get_by_role("alert")).to_be_visible()

    before = here.cookie()
    _change_password(here, PASSWORD, "quite another password")
    here.expect_text("Password changed.")
    here.screenshot("account")
    here.wait_for_cookie(other_than=before)
    here.page.reload()
    here.expect_page("Account")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(account.name, "quite another password")

    def is_logged_out() -> bool:
        elsewhere.page.reload()
        elsewhere.wait_until_idle()
        return elsewhere.page.get_by_text("Your session has ended; please log in again.").is_visible()

    elsewhere.wait_until(is_logged_out)


def test_session_survives_reload_and_new_tab(window: Window) -> None:
    name = unused_name("clicks")
    window.register(name)
    window.expect_page("Home")

    window.page.reload()
    window.expect_page("Home")
    window.expect_text(name)

    window.page = window.context.new_page()
    window.open("wallet")
    window.expect_page("Wallet")
    window.expect_text(name)


def test_session_cookie_is_hidden_from_scripts(window: Window) -> None:
    window.register(unused_name("clicks"))
    window.expect_page("Home")
    cookie = next(cookie for cookie in window.context.cookies() if cookie.get("name") == window.cookie_name)
    assert [cookie.get(attribute) for attribute in ("httpOnly", "sameSite", "path")] == [True, "Strict", "/"]
    token = cookie.get("value", "")
    assert token not in window.page.content()
    assert token not in window.page.url


def test_logout_ends_the_session_in_every_tab(window: Window) -> None:
    window.register(unused_name("clicks"))
    window.expect_page("Home")
    first = window.page
    window.page = window.context.new_page()
    window.open()
    window.expect_page("Home")

    window.click("Log out")
    window.expect_text("You are logged out.")
    window.wait_until(lambda: window.cookie() is None)
    first.get_by_test_id("stSidebarNavLink").filter(has_text="Wallet").click()
    expect(first.get_by_text("Your session has ended; please log in again.")).to_be_visible()
    window.page.reload()
    expect(window.page.get_by_role("tab", name="Register")).to_be_visible()
    assert window.cookie() is None


def test_expired_session_leads_to_login_with_notice(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="wallet")
    window.expect_page("Wallet")
    account.client.me.change_password(PASSWORD, "a newer password")

    def is_at_login() -> bool:
        window.page.reload()
        window.wait_until_idle()
        return window.page.get_by_text("Your session has ended; please log in again.").is_visible()

    window.wait_until(is_at_login)
    window.screenshot("session-ended")
    window.log_in(account.name, "a newer password")
    window.expect_page("Wallet")


def test_forged_cookie_is_no_session(window: Window) -> None:
    window.put_cookie("made-up")
    window.open()
    window.expect_text("Your session has ended; please log in again.")


def test_browsers_of_two_users_share_no_data(
    open_window: OpenWindow, owner: Account, account: Account, stack: Stack
) -> None:
    owner_window, new_window = open_window(), open_window()
    owner_window.open_as(owner.name, stack, path="models")
    new_window.open_as(account.name, stack, path="models")
    owner_window.expect_page("Models")
    new_window.expect_page("Models")
    for page in ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account"):
        owner_window.go(page)
        new_window.go(page)
        owner_window.expect_text(owner.name)
        new_window.expect_text(account.name)
        new_window.expect_no_text(owner.name)
        new_window.expect_no_text("penguins-")
        new_window.expect_no_text("penguins.csv")


def _change_password(window: Window, password: str, new: str) -> None:
    window.fill("Current password", password)
    window.fill("New password", new)
    window.fill("Confirm new password", new)
    window.click("Change password")
