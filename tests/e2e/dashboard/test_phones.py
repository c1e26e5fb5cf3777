"""The pages on a phone set to dark colours."""

from tests.support.browser import Somebody, Window
from tests.support.stack import Stack

PLACES = ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account")


def test_every_page_fits_a_phone(phone: Window, owner: Somebody, stack: Stack) -> None:
    phone.come_as(owner.name, stack)
    phone.is_at("Home")
    for place in PLACES:
        phone.go(place)
        phone.picture(f"phone-{place.lower().replace(' ', '-')}")
        wider = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
        assert phone.page.evaluate(wider) <= 0, place
