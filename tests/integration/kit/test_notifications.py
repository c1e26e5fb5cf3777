"""Notifications: payloads by channel, and a lost connection that is noticed and replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.background import background_tasks
from kit.database import Database as Connections
from kit.notifications import Notifications
from kit.settings import DatabaseSettings

BACKENDS = "FROM pg_stat_activity WHERE application_name = 'probe'"


class Listener:
    """A listening process, the payloads that it received, and the number of its connections."""

    def __init__(self) -> None:
        self.models: list[str] = []
        self.prices: list[str] = []
        self.connections = 0
        self.was_listening_on_connect = False
        self.notifications = Notifications(
            {"models": self.models.append, "prices": self.prices.append}, self._count
        )

    def _count(self) -> None:
        self.connections += 1
        self.was_listening_on_connect |= self.notifications.is_listening


@pytest.fixture
async def listener(database: Database) -> AsyncIterator[Listener]:
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    connections = Connections(settings, "probe", driver_connections=1)
    listener = Listener()
    async with background_tasks(listener.notifications.listen(connections)):
        await until(lambda: listener.notifications.is_listening)
        yield listener
    await connections.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the state belongs to another task
            await asyncio.sleep(0.01)


async def test_payload_reaches_the_receiver_of_its_channel(
    listener: Listener, admin: asyncpg.Connection
) -> None:
    await admin.execute("SELECT pg_notify('models', '7'), pg_notify('prices', '8'), pg_notify('jobs', '9')")
    await until(lambda: bool(listener.prices))
    assert (listener.models, listener.prices) == (["7"], ["8"])


async def test_lost_connection_is_noticed_and_replaced(listener: Listener, admin: asyncpg.Connection) -> None:
    async with admin.transaction():
        # Connections wait for this lock, so that the state without one can be observed.
        await admin.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
        await admin.fetch(f"SELECT pg_terminate_backend(pid) {BACKENDS}")
        await until(lambda: not listener.notifications.is_listening)
    await until(lambda: listener.notifications.is_listening)
    assert listener.connections == 2
    assert not listener.was_listening_on_connect
    await admin.execute("NOTIFY models, 'again'")
    await until(lambda: bool(listener.models))
