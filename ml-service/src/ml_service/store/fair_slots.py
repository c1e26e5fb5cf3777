"""Fair slots: a bounded queue in which users take turns, and no user occupies every slot."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator

from kit.identity import UserId
from ml_service.store.errors import ReadersBusy, TooManyAtOnce


class FairSlots:
    def __init__(self, size: int, waiting_per_user: int, waiting: int) -> None:
        self._free, self._most_per_user = size, max(1, size - 1)
        self._waiting_per_user, self._waiting_limit = waiting_per_user, waiting
        self._running: Counter[UserId] = Counter()
        # In the order of turns: a user whose call starts goes to the end.
        self._waiting: dict[UserId, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def slot(self, user: UserId) -> AsyncGenerator[None]:
        """Wait for a slot and occupy it during the block. Raises TooManyAtOnce or ReadersBusy."""
        await self._occupy(user)
        try:
            yield
        finally:
            self._release(user)

    async def _occupy(self, user: UserId) -> None:
        if len(self._waiting.get(user, ())) >= self._waiting_per_user:
            raise TooManyAtOnce(self._waiting_per_user)
        if sum(map(len, self._waiting.values())) >= self._waiting_limit:
            raise ReadersBusy
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user, deque()).append(turn)
        self._start_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(user, turn)
            else:
                # The slot was given at the moment of the cancellation.
                self._release(user)
            raise

    def _start_next(self) -> None:
        while self._free > 0:
            user = next((user for user in self._waiting if self._running[user] < self._most_per_user), None)
            if user is None:
                return
            turns = self._waiting.pop(user)
            turn = turns.popleft()
            if turns:
                self._waiting[user] = turns
            # A cancelled one is here until its task has woken.
            if not turn.cancelled():
                self._free -= 1
                self._running[user] += 1
                turn.set_result(None)

    def _leave(self, user: UserId, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(user, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[user]

    def _release(self, user: UserId) -> None:
        self._free += 1
        self._running[user] -= 1
        if not self._running[user]:
            del self._running[user]
        self._start_next()
