"""The pages for people who do not see them, or use no mouse."""

from playwright.sync_api import expect
from tests.support.browser import Somebody, Window
from tests.support.people import PASSWORD

PLACES = ("Train", "Models", "Predict", "Wallet", "API keys", "Account")
CONTROLS = {
    *("button", "link", "textbox", "combobox", "spinbutton", "checkbox", "switch", "tab", "slider", "radio")
}


def test_the_keyboard_is_enough_to_sign_in_and_to_look_around(window: Window, somebody: Somebody) -> None:
    window.open()
    keyboard = window.page.keyboard
    expect(window.field("Password")).to_be_visible()
    _tab_to(window, "Name or e-mail")
    keyboard.type(somebody.name)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    window.is_at("Home")
    _tab_to(window, "Wallet")
    keyboard.press("Enter")
    window.is_at("Wallet")


def test_every_control_has_a_name_that_can_be_read_out(owners_window: Window) -> None:
    for place in PLACES:
        owners_window.go(place)
        owners_window.settle()
        assert _nameless(owners_window) == [], place


def _nameless(window: Window) -> list[str]:
    """The controls whose name chromium itself finds to be empty."""
    tree = window.context.new_cdp_session(window.page).send("Accessibility.getFullAXTree")
    shown = [each for each in tree["nodes"] if not each.get("ignored")]
    nameless = [each for each in shown if not each.get("name", {}).get("value")]
    return [each["role"]["value"] for each in nameless if each["role"]["value"] in CONTROLS]


def _tab_to(window: Window, label: str) -> None:
    """As often as it takes, which must not be long."""
    focused = "() => { const at = document.activeElement; return at.ariaLabel || (at.href && at.innerText) }"
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if label in (window.page.evaluate(focused) or ""):
            return
    raise AssertionError(f"the keyboard does not come to {label}")
