"""Reads that may take long: whole ledgers, and sums over all charges."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from kit.database import Database, ReadOnlySession
from kit.deadlines import require_time_left
from kit.identity import UserId


class CostlyReads:
    """Sessions for costly reads: one at a time, and users take turns, however many requests each sends.

    A sum over a million receipts takes a second. Two of them would occupy all connections that read, and
    everybody's balance would wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        # A lock disappears with the last request that uses it.
        self._users: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def session(self, user_id: UserId) -> AsyncGenerator[ReadOnlySession]:
        """A session for one costly read of this user; raises DeadlinePassed if nobody waits for it now."""
        own = self._users.setdefault(user_id, asyncio.Lock())
        async with own, self._turn:
            require_time_left()
            async with self._database.read() as session:
                yield session
