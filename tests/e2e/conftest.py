"""Fixtures of all tests through the gateway, and a verification of the ledger after each test."""

from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tests.support.books import assert_books_balance
from tests.support.course import trained_model
from tests.support.people import Person, administrator, new_user
from tests.support.stack import Stack

HERE = Path(__file__).parent
DEFAULT_PRICES = {
    "train": (1, 1),
    "predict": (5, 1),
    "batch": (5, 1000),
    "metadata": (0, 1),
    "score": (1, 1),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of this folder in one event loop, so that they can share connections and users."""
    for item in items:
        if item.path.parent == HERE and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the services' warnings and errors during a failed test to its report."""
    report = yield
    stack = item.funcargs.get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(
            (
                "warnings and errors of the stack",
                stack.complaints(since=datetime.fromtimestamp(call.start, UTC)),
            )
        )
    return report


@pytest.fixture(autouse=True)
def _books_balance(stack: Stack) -> Iterator[None]:
    yield
    assert_books_balance(stack)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """An anonymous client of the gateway."""
    limits = httpx.Limits(max_connections=300, max_keepalive_connections=50)
    async with httpx.AsyncClient(base_url=stack.url, timeout=120, limits=limits) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def admin(http: httpx.AsyncClient, stack: Stack) -> Person:
    return await administrator(http, stack)


@pytest_asyncio.fixture(loop_scope="session")
async def usual_prices(admin: Person) -> AsyncIterator[None]:
    """Restore the default prices after the test."""
    yield
    for action, (tokens, per_units) in DEFAULT_PRICES.items():
        price = {"tokens": tokens, "per_units": per_units}
        assert (await admin.put(f"/v1/prices/{action}", json=price)).status_code == 200


@pytest_asyncio.fixture(loop_scope="session")
async def user(http: httpx.AsyncClient) -> Person:
    """A new user with the opening grant of 15 tokens."""
    return await new_user(http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bystander(http: httpx.AsyncClient) -> Person:
    """Another user, whose account no test changes."""
    return await new_user(http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner(http: httpx.AsyncClient) -> Person:
    """A user with a model; tests that change the account use `user`."""
    return await new_user(http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def line_model(owner: Person) -> str:
    """The owner's model of y = 3 x + 2."""
    return await trained_model(owner)
