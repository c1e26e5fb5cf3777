"""Fixtures: browser windows and accounts. These tests run last, because a browser has its own event loop."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.support.browser import PHONE, SCREENSHOTS, SIZE, Account, Window, new_account, running_browser
from tests.support.stack import PROJECT, Stack

HERE = Path(__file__).parent
PENGUINS = PROJECT / "data" / "penguins.csv"
OpenWindow = Callable[[], Window]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.is_relative_to(HERE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a screenshot of every window when a test fails."""
    report = yield
    browser = item.funcargs.get("browser")
    if report.failed and isinstance(browser, Browser):
        pages = [page for context in browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=SCREENSHOTS / f"failed-{item.name}-{number}.png")
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def open_window(browser: Browser, stack: Stack) -> Iterator[OpenWindow]:
    """Opens independent windows, each with its own cookies."""
    windows: list[Window] = []

    def open_one() -> Window:
        windows.append(Window(browser.new_context(viewport=SIZE), stack.dashboard_url))
        return windows[-1]

    yield open_one
    for window in windows:
        window.context.close()


@pytest.fixture
def window(open_window: OpenWindow) -> Window:
    return open_window()


@pytest.fixture
def phone(browser: Browser, stack: Stack) -> Iterator[Window]:
    """A window with the size of a phone, in dark mode."""
    context = browser.new_context(viewport=PHONE, color_scheme="dark", has_touch=True)
    yield Window(context, stack.dashboard_url)
    context.close()


@pytest.fixture
def account(stack: Stack) -> Iterator[Account]:
    """A new account with the opening grant of 15 tokens."""
    account = new_account(stack)
    yield account
    account.client.close()


@pytest.fixture(scope="session")
def owner(stack: Stack) -> Iterator[Account]:
    """A shared account with two penguin models and many tokens, for tests that change little."""
    owner = new_account(stack, tokens=1000)
    dataset = owner.client.datasets.upload(PENGUINS)
    features = ["island", "bill_length_mm", "body_mass_g", "sex"]
    for kind, params in (("logistic", {}), ("random_forest", {"n_estimators": 20})):
        job = owner.client.models.start(
            dataset, "species", type=kind, params=params, features=features, name=f"penguins-{kind}"
        )
        owner.client.jobs.wait(job.id)
    yield owner
    owner.client.close()


@pytest.fixture
def owner_window(window: Window, owner: Account, stack: Stack) -> Window:
    window.open_as(owner.name, stack)
    window.expect_page("Home")
    return window


@pytest.fixture
def admin_window(window: Window, stack: Stack) -> Window:
    window.open_as(stack.admin_name, stack, stack.admin_password, path="admin")
    window.expect_page("Administration")
    return window
