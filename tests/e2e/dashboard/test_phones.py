"""The pages on a phone in dark mode."""

from tests.support.browser import Account, Window
from tests.support.stack import Stack

PAGES = ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account")


def test_pages_fit_the_width_of_a_phone(phone: Window, owner: Account, stack: Stack) -> None:
    phone.open_as(owner.name, stack)
    phone.expect_page("Home")
    for page in PAGES:
        phone.go(page)
        phone.screenshot(f"phone-{page.lower().replace(' ', '-')}")
        wider = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
        assert phone.page.evaluate(wider) <= 0, page
