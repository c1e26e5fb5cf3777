"""The pages need nobody but their own server."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route
from tests.support.browser import Somebody, Window
from tests.support.stack import Stack

PLACES = ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account")


@pytest.fixture
def asked(window: Window) -> set[str]:
    """Every host that the window asks for anything; one that is not the dashboard's gets no answer."""
    hosts, own = set[str](), urlsplit(window.address).netloc

    def answer(route: Route) -> None:
        host = urlsplit(route.request.url).netloc
        hosts.add(host)
        route.continue_() if host == own else route.abort()

    window.context.route("**/*", answer)
    window.page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    return hosts


def test_no_page_asks_anybody_else(window: Window, asked: set[str], owner: Somebody, stack: Stack) -> None:
    window.open()
    window.sees("Sign in")
    window.come_as(owner.name, stack)
    window.is_at("Home")
    for place in PLACES:
        window.go(place)
        window.rest()
    window.go("Models")
    window.sees_a_chart()
    assert asked == {urlsplit(window.address).netloc}


def test_administration_asks_nobody_else(window: Window, asked: set[str], stack: Stack) -> None:
    window.come_as(stack.admin_name, stack, stack.admin_password, path="admin")
    window.is_at("Administration")
    for tab in ("Prices", "Usage", "System"):
        window.tab(tab)
    assert asked == {urlsplit(window.address).netloc}
