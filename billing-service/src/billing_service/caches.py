"""Caches of whole tables, emptied by notifications of the database."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from kit.notifications import Notifications

Key = TypeVar("Key")
Value = TypeVar("Value")


class NotifiedCache(Generic[Key, Value]):
    """The rows of a table by key; while notifications would be lost, they are read each time.

    A trigger on the table notifies the channel.
    """

    channel: str

    def __init__(self) -> None:
        self.notifications = Notifications({self.channel: self.receive}, self.forget)
        self._rows: Mapping[Key, Value] | None = None
        self._changes = 0

    async def get(self, read: Callable[[], Awaitable[Mapping[Key, Value]]]) -> Mapping[Key, Value]:
        """The cached rows, or those that `read` returns."""
        if self._rows is not None and self.notifications.is_listening:
            return self._rows
        changes = self._changes
        rows = await read()
        # Rows that have changed since are used once and not stored.
        self._rows = rows if changes == self._changes else None
        return rows

    async def forget_now(self) -> None:
        """Read the rows again, without waiting for the notification."""
        self.forget()

    def receive(self, _payload: str) -> None:
        self.forget()

    def forget(self) -> None:
        self._changes += 1
        self._rows = None


class PayerCache(NotifiedCache[int, int]):
    """The groups that pay for users whose requests name none, by user."""

    channel = "billing_payers"


def listen_together(*caches: NotifiedCache[Any, Any]) -> Notifications:  # Any: rows of each
    """The notifications of all these caches, over one connection."""
    receivers = {cache.channel: cache.receive for cache in caches}

    def forget() -> None:
        for cache in caches:
            cache.forget()

    notifications = Notifications(receivers, forget)
    for cache in caches:
        cache.notifications = notifications
    return notifications
