"""Pages send no requests to other hosts."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route
from tests.support.browser import Account, Window
from tests.support.stack import Stack

PAGES = ("Home", "Train", "Models", "Predict", "Wallet", "API keys", "Account")


@pytest.fixture
def requested_hosts(window: Window) -> set[str]:
    """The hosts of all requests; requests to hosts other than the dashboard's are aborted."""
    hosts, own = set[str](), urlsplit(window.address).netloc

    def handle(route: Route) -> None:
        host = urlsplit(route.request.url).netloc
        hosts.add(host)
        route.continue_() if host == own else route.abort()

    window.context.route("**/*", handle)
    window.page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    return hosts


def test_pages_request_nothing_from_other_hosts(
    window: Window, requested_hosts: set[str], owner: Account, stack: Stack
) -> None:
    window.open()
    window.expect_text("Log in")
    window.open_as(owner.name, stack)
    window.expect_page("Home")
    for page in PAGES:
        window.go(page)
        window.wait_until_idle()
    window.go("Models")
    window.expect_chart()
    assert requested_hosts == {urlsplit(window.address).netloc}


def test_administration_page_requests_nothing_from_other_hosts(
    window: Window, requested_hosts: set[str], stack: Stack
) -> None:
    window.open_as(stack.admin_name, stack, stack.admin_password, path="admin")
    window.expect_page("Administration")
    for tab in ("Prices", "Usage", "System"):
        window.open_tab(tab)
    assert requested_hosts == {urlsplit(window.address).netloc}
