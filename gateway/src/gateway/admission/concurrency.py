"""Concurrency limiter: requests and event streams of one caller at once, in this process's memory.

Without it one user's slow requests could hold every connection to a service.
"""

from collections.abc import Callable

from kit.errors import ServiceError


class ConcurrencyLimiter:
    def __init__(self, limit: int, error: Callable[[int], ServiceError]) -> None:
        self.limit, self._error = limit, error
        self._open: dict[object, int] = {}

    def __len__(self) -> int:
        """The number of callers with something open."""
        return len(self._open)

    def enter(self, caller: object) -> None:
        """Count one more; raises the limiter's error beyond the limit."""
        count = self._open.get(caller, 0)
        if count >= self.limit:
            raise self._error(self.limit)
        self._open[caller] = count + 1

    def leave(self, caller: object) -> None:
        count = self._open[caller]
        if count == 1:
            del self._open[caller]
        else:
            self._open[caller] = count - 1
