"""A database, and first answers in it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.integration.kit.keyed_requests import TABLE
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.database import Database as Connections
from kit.idempotency import FirstAnswers
from kit.settings import DatabaseSettings


@pytest.fixture
async def connections(database: Database) -> AsyncIterator[Connections]:
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("auth")})
    connections = Connections(settings, "probe")
    yield connections
    await connections.close()


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def answers(connections: Connections) -> FirstAnswers:
    return FirstAnswers(connections, TABLE)
