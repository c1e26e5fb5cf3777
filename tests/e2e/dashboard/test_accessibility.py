"""Accessibility: the keyboard alone, and names for screen readers."""

from playwright.sync_api import expect
from tests.support.browser import Account, Window
from tests.support.people import PASSWORD

PAGES = ("Train", "Models", "Predict", "Wallet", "API keys", "Account")
CONTROLS = {
    *("button", "link", "textbox", "combobox", "spinbutton", "checkbox", "switch", "tab", "slider", "radio")
}


def test_login_and_navigation_work_with_the_keyboard_alone(window: Window, account: Account) -> None:
    window.open()
    keyboard = window.page.keyboard
    expect(window.field("Password")).to_be_visible()
    _tab_to(window, "Name or e-mail")
    keyboard.type(account.name)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    window.expect_page("Home")
    _tab_to(window, "Wallet")
    keyboard.press("Enter")
    window.expect_page("Wallet")


def test_every_control_has_an_accessible_name(owner_window: Window) -> None:
    for page in PAGES:
        owner_window.go(page)
        owner_window.wait_until_drawn()
        assert _nameless(owner_window) == [], page


def _nameless(window: Window) -> list[str]:
    """The roles of controls whose accessible name is empty in chromium's own tree."""
    tree = window.context.new_cdp_session(window.page).send("Accessibility.getFullAXTree")
    shown = [each for each in tree["nodes"] if not each.get("ignored")]
    nameless = [each for each in shown if not each.get("name", {}).get("value")]
    return [each["role"]["value"] for each in nameless if each["role"]["value"] in CONTROLS]


def _tab_to(window: Window, label: str) -> None:
    """Press Tab until the control has the focus, at most 20 times."""
    focused = "() => { const at = document.activeElement; return at.ariaLabel || (at.href && at.innerText) }"
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if label in (window.page.evaluate(focused) or ""):
            return
    raise AssertionError(f"{label} cannot be reached with the Tab key")
