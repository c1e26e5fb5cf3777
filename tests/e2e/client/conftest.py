"""Fixtures: clients of the real gateway, each with its own account."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.support.stack import PROJECT, Stack

from farebox import Farebox, MemoryTokenStore
from farebox.results.models import Model

PASSWORD = "a password for the client"
PENGUINS = PROJECT / "data" / "penguins.csv"
# Few trees, since these tests are about the client.
QUICK = {"n_estimators": 10}


def new_name() -> str:
    return f"client-{uuid4().hex[:12]}@example.org"


@pytest.fixture
def client(stack: Stack) -> Iterator[Farebox]:
    """A new user with the opening grant of 15 tokens."""
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.sign_up(new_name(), PASSWORD)
        yield client


@pytest.fixture
def admin(stack: Stack) -> Iterator[Farebox]:
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(stack.admin_name, stack.admin_password)
        yield client


@pytest.fixture(scope="session")
def owner(stack: Stack) -> Iterator[Farebox]:
    """A user with a trained model; tests that change the account use `client`."""
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.sign_up(new_name(), PASSWORD)
        client.wallet.buy(1000, credit_card="1234-5678-9999-0000")
        yield client


@pytest.fixture(scope="session")
def penguins(owner: Farebox) -> Model:
    return owner.models.train(PENGUINS, "species", params=QUICK, name="penguins")
