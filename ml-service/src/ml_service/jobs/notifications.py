"""Notifications of job changes, distributed to subscriptions."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from kit.background import wait_for_event


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

    def receive(self, payload: str) -> None:
        """Wake the subscribers of the job with this id."""
        for subscription, job_id in self._subscriptions.items():
            if job_id is None or str(job_id) == payload:
                subscription.changed.set()

    def wake_all(self) -> None:
        """Let all subscribers look at the database, since notifications may have been lost."""
        for subscription in self._subscriptions:
            subscription.changed.set()
