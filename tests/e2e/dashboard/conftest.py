"""Windows at the dashboard, after all other tests: beside the browser's event loop no other can run."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.support.browser import PHONE, SCREENS, SIZE, Somebody, Window, new_somebody, running_browser
from tests.support.stack import PROJECT, Stack

HERE = Path(__file__).parent
PENGUINS = PROJECT / "data" / "penguins.csv"
OpenWindow = Callable[[], Window]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.is_relative_to(HERE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What every window showed when a test failed."""
    report = yield
    browser = item.funcargs.get("browser")
    if report.failed and isinstance(browser, Browser):
        pages = [page for context in browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=SCREENS / f"failed-{item.name}-{number}.png")
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def open_window(browser: Browser, stack: Stack) -> Iterator[OpenWindow]:
    """Opens windows that share nothing with each other."""
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
    """A phone set to dark colours."""
    context = browser.new_context(viewport=PHONE, color_scheme="dark", has_touch=True)
    yield Window(context, stack.dashboard_url)
    context.close()


@pytest.fixture
def somebody(stack: Stack) -> Iterator[Somebody]:
    """Somebody new, with the opening grant of 15 tokens."""
    somebody = new_somebody(stack)
    yield somebody
    somebody.client.close()


@pytest.fixture(scope="session")
def owner(stack: Stack) -> Iterator[Somebody]:
    """Somebody with two models of penguins and tokens to spend; tests that change more use `somebody`."""
    owner = new_somebody(stack, tokens=1000)
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
def owners_window(window: Window, owner: Somebody, stack: Stack) -> Window:
    window.come_as(owner.name, stack)
    window.is_at("Home")
    return window


@pytest.fixture
def admins_window(window: Window, stack: Stack) -> Window:
    window.come_as(stack.admin_name, stack, stack.admin_password, path="admin")
    window.is_at("Administration")
    return window
