"""Fixtures: auth-service on a real database, and a consumer of its events on a socket."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import Consumer, Service, run_consumer, run_service
from tests.support.postgres import Database


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    async with run_consumer() as running:
        yield running


@pytest.fixture
async def service(database: Database, consumer: Consumer) -> AsyncIterator[Service]:
    async with run_service(database, consumer) as running:
        yield running


@pytest.fixture
def client(service: Service) -> httpx.AsyncClient:
    return service.client


@pytest.fixture
async def sql(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_dsn)
    yield connection
    await connection.close()
