"""Notifications of job changes: one LISTEN connection to PostgreSQL, shared by all subscriptions."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from kit.background import every, wait_for_event
from kit.database import Database
from ml_service.jobs.repository import CHANNEL

CHECK_SECONDS = 5.0
RECONNECT_SECONDS = 1.0


class Subscription:
    """A subscription to job changes; a change between two waits is not missed."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for a change, at most this long: a notification may be lost with its connection."""
        await wait_for_event(self.changed, seconds)


class JobNotifications:
    def __init__(self) -> None:
        self._subscriptions: dict[Subscription, int | None] = {}

    @contextlib.asynccontextmanager
    async def subscribe(self, job_id: int | None = None) -> AsyncGenerator[Subscription]:
        """Subscribe to the changes of one job, or of all."""
        subscription = Subscription()
        self._subscriptions[subscription] = job_id
        try:
            yield subscription
        finally:
            del self._subscriptions[subscription]

    async def listen(self, database: Database) -> None:
        """Listen until cancelled; subscribers also poll, so an outage only slows them down."""
        await every(RECONNECT_SECONDS, lambda: self._listen(database), failure="job_notifications_lost")

    async def _listen(self, database: Database) -> None:
        async with database.driver() as connection:
            await connection.add_listener(CHANNEL, self._on_notification)
            while True:
                await connection.execute("SELECT 1")
                await asyncio.sleep(CHECK_SECONDS)

    def _on_notification(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        for subscription, job_id in self._subscriptions.items():
            if job_id is None or str(job_id) == payload:
                subscription.changed.set()
