"""Who is signed in where, and for how long."""

import re

from playwright.sync_api import expect
from tests.e2e.dashboard.conftest import OpenWindow
from tests.support.browser import Somebody, Window
from tests.support.people import PASSWORD, unused_name
from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore


def test_whoever_registers_is_signed_in_and_holds_the_opening_grant(window: Window) -> None:
    window.open()
    window.picture("sign-in")
    window.register(unused_name("clicks"))
    window.is_at("Home")
    window.sees("15 tokens")
    window.sees("First steps")
    window.picture("home-new")


def test_a_wrong_password_is_told_in_a_sentence(window: Window, somebody: Somebody) -> None:
    window.open()
    window.sign_in(somebody.name, "not this one")
    window.sees(re.compile("password", re.IGNORECASE))
    expect(window.page.get_by_role("alert")).to_be_visible()
    window.picture("sign-in-refused")
    assert window.cookie() is None


def test_two_passwords_that_differ_are_not_sent(window: Window) -> None:
    window.open()
    window.page.get_by_role("tab", name="Register").click()
    window.fill("Name or e-mail", unused_name("clicks"))
    window.fill("Password", PASSWORD)
    window.fill("Password again", "something else")
    window.press("Register")
    window.sees("The two passwords differ")


def test_a_changed_password_signs_in_and_the_old_one_no_longer_does(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    window.open()
    window.page.get_by_role("tab", name="Change password").click()
    window.fill("Name or e-mail", somebody.name)
    window.fill("Password until now", PASSWORD)
    window.fill("New password", "quite another password")
    window.fill("New password again", "quite another password")
    window.press("Change password")
    window.is_at("Home")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(somebody.name, "quite another password")


def test_a_password_is_changed_while_signed_in_and_only_this_browser_stays(
    open_window: OpenWindow, somebody: Somebody, stack: Stack
) -> None:
    here, elsewhere = open_window(), open_window()
    for each in (here, elsewhere):
        each.come_as(somebody.name, stack, path="account")
        each.is_at("Account")
    _change_password(here, "not this one", "quite another password")
    expect(here.page.get_by_role("alert")).to_be_visible()

    before = here.cookie()
    _change_password(here, PASSWORD, "quite another password")
    here.sees("Your password is changed")
    here.picture("account")
    here.wait_for_cookie(other_than=before)
    here.page.reload()
    here.is_at("Account")
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(somebody.name, "quite another password")

    def is_led_out() -> bool:
        elsewhere.page.reload()
        elsewhere.rest()
        return elsewhere.page.get_by_text("Your session has ended; please sign in again.").is_visible()

    elsewhere.until(is_led_out)


def test_a_reload_and_a_new_tab_keep_the_session(window: Window) -> None:
    name = unused_name("clicks")
    window.register(name)
    window.is_at("Home")

    window.page.reload()
    window.is_at("Home")
    window.sees(name)

    window.page = window.context.new_page()
    window.open("wallet")
    window.is_at("Wallet")
    window.sees(name)


def test_the_session_lives_in_a_cookie_that_no_script_can_read(window: Window) -> None:
    window.register(unused_name("clicks"))
    window.is_at("Home")
    cookie = next(each for each in window.context.cookies() if each.get("name") == window.cookie_name)
    assert [cookie.get(each) for each in ("httpOnly", "sameSite", "path")] == [True, "Strict", "/"]
    token = cookie.get("value", "")
    assert token not in window.page.content()
    assert token not in window.page.url


def test_signing_out_ends_the_session_in_every_tab(window: Window) -> None:
    window.register(unused_name("clicks"))
    window.is_at("Home")
    first = window.page
    window.page = window.context.new_page()
    window.open()
    window.is_at("Home")

    window.press("Sign out")
    window.sees("You are signed out.")
    window.until(lambda: window.cookie() is None)
    first.get_by_test_id("stSidebarNavLink").filter(has_text="Wallet").click()
    expect(first.get_by_text("Your session has ended; please sign in again.")).to_be_visible()
    window.page.reload()
    expect(window.page.get_by_role("tab", name="Register")).to_be_visible()
    assert window.cookie() is None


def test_a_session_that_has_expired_leads_back_to_signing_in_with_a_word_why(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    window.come_as(somebody.name, stack, path="wallet")
    window.is_at("Wallet")
    somebody.client.me.change_password(PASSWORD, "a newer password")

    def lands_outside() -> bool:
        window.page.reload()
        window.rest()
        return window.page.get_by_text("Your session has ended; please sign in again.").is_visible()

    window.until(lands_outside)
    window.picture("session-ended")
    window.sign_in(somebody.name, "a newer password")
    window.is_at("Wallet")


def test_a_cookie_that_is_made_up_is_no_session(window: Window) -> None:
    window.put_cookie("made-up")
    window.open()
    window.sees("Your session has ended; please sign in again.")


def test_two_browsers_with_two_users_never_see_each_others_data(
    open_window: OpenWindow, owner: Somebody, somebody: Somebody, stack: Stack
) -> None:
    theirs, ours = open_window(), open_window()
    theirs.come_as(owner.name, stack, path="models")
    ours.come_as(somebody.name, stack, path="models")
    theirs.is_at("Models")
    ours.is_at("Models")
    for place in ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account"):
        theirs.go(place)
        ours.go(place)
        theirs.sees(owner.name)
        ours.sees(somebody.name)
        ours.sees_no(owner.name)
        ours.sees_no("penguins-")
        ours.sees_no("penguins.csv")


def _change_password(window: Window, password: str, new: str) -> None:
    window.fill("Password until now", password)
    window.fill("New password", new)
    window.fill("New password again", new)
    window.press("Change password")
