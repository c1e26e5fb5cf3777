"""Accessibility: keyboard, accessible names for screen readers, and phones."""

from playwright.sync_api import expect
from tests.support.browser import Account, Window
from tests.support.people import PASSWORD
from tests.support.stack import Stack

PAGES = ("Train", "Models", "Predict", "Wallet", "Groups", "API keys", "Account")
CONTROLS = {
    *("button", "link", "textbox", "combobox", "spinbutton", "checkbox", "switch", "tab", "slider", "radio")
}
# The label of the focused control.
FOCUSED = """() => {
  const focus = document.activeElement
  return focus.ariaLabel || (focus.href && focus.innerText)
}"""


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
        assert _roles_without_name(owner_window) == [], page


def test_pages_fit_the_width_of_a_phone(phone: Window, owner: Account, stack: Stack) -> None:
    phone.open_as(owner.name, stack)
    phone.expect_page("Home")
    for page in ("Home", *PAGES):
        phone.go(page)
        phone.screenshot(f"phone-{page.lower().replace(' ', '-')}")
        wider = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
        assert phone.page.evaluate(wider) <= 0, page


def _roles_without_name(window: Window) -> list[str]:
    """Roles of controls with an empty name in chromium's accessibility tree."""
    tree = window.context.new_cdp_session(window.page).send("Accessibility.getFullAXTree")
    shown = [node for node in tree["nodes"] if not node.get("ignored")]
    unnamed = [node for node in shown if not node.get("name", {}).get("value")]
    return [node["role"]["value"] for node in unnamed if node["role"]["value"] in CONTROLS]


def _tab_to(window: Window, label: str) -> None:
    """Press Tab until the control has the focus, at most 20 times."""
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if label in (window.page.evaluate(FOCUSED) or ""):
            return
    raise AssertionError(f"{label} cannot be reached with the Tab key")
