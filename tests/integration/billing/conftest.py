"""Fixtures: a running billing-service, and a connection to its database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.billing import Billing, running_billing
from tests.support.postgres import Database


@pytest.fixture
async def billing(database: Database) -> AsyncIterator[Billing]:
    """A running instance, whose books must balance after the test."""
    async with running_billing(database) as running:
        yield running
        await running.assert_books_balance()


@pytest.fixture
async def as_owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the role that owns the tables."""
    connection = await asyncpg.connect(database.admin_dsn)
    yield connection
    await connection.close()
