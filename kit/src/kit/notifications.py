"""Notifications of PostgreSQL (LISTEN/NOTIFY): one connection for all channels of a process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping

import asyncpg

from kit.background import every, wait_for_event
from kit.database import Database

# A connection whose server is gone without a word is noticed after both.
CHECK_SECONDS, CHECK_TIMEOUT_SECONDS = 2.0, 2.0
RECONNECT_SECONDS = 0.5


class Notifications:
    """Passes the payload of each notification to the receiver of its channel.

    Notifications are lost while the connection is down. `is_listening` is false then, so that a cache can be
    bypassed; before it becomes true again, `on_connect` runs, which empties the cache.
    """

    def __init__(
        self, receivers: Mapping[str, Callable[[str], None]], on_connect: Callable[[], None]
    ) -> None:
        self._receivers, self._on_connect = receivers, on_connect
        self.is_listening = False

    async def listen(self, database: Database) -> None:
        """Listen until cancelled; reconnect after an outage."""
        await every(RECONNECT_SECONDS, lambda: self._listen(database), failure="notifications_lost")

    async def _listen(self, database: Database) -> None:
        lost = asyncio.Event()

        def stop(_connection: object = None) -> None:
            self.is_listening = False
            lost.set()

        async with database.driver() as connection, self._listeners(connection):
            connection.add_termination_listener(stop)
            try:
                self._on_connect()
                self.is_listening = True
                while self.is_listening:
                    await connection.execute("SELECT 1", timeout=CHECK_TIMEOUT_SECONDS)
                    await wait_for_event(lost, CHECK_SECONDS)
            finally:
                stop()
                connection.remove_termination_listener(stop)
        raise ConnectionError("The connection for notifications was lost.")

    @contextlib.asynccontextmanager
    async def _listeners(self, connection: asyncpg.Connection) -> AsyncGenerator[None]:
        for channel in self._receivers:
            await connection.add_listener(channel, self._receive)
        try:
            yield
        finally:
            for channel in self._receivers:
                await connection.remove_listener(channel, self._receive)

    def _receive(self, _connection: object, _pid: int, channel: str, payload: str) -> None:
        self._receivers[channel](payload)
