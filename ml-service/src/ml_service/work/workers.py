"""The workers that a job uses beside its own: those that are free and that no other job waits for."""

from collections.abc import Awaitable, Callable

import structlog

from kit.outages import describe_outage
from ml_service.work.repository import LeaseRepository
from ml_service.work.run import Run

log = structlog.stdlib.get_logger()


class Workers:
    """While the database is away there are no more, but what runs goes on. Raises LeaseLost."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def take(self) -> bool:
        """Whether there was one more."""
        run = self._run
        slots = run.parts.cluster.known_slots
        return await self._ask(lambda leases: leases.take_worker(run.job.id, run.lease, slots))

    async def keep(self, count: int) -> None:
        """Give all others back."""
        run = self._run
        await self._ask(lambda leases: leases.keep_workers(run.job.id, run.lease, max(1, count)))

    async def _ask(self, step: Callable[[LeaseRepository], Awaitable[bool]]) -> bool:
        try:
            async with self._run.parts.leases() as leases:
                return await step(leases)
        except Exception as error:
            if describe_outage(error) is None:
                raise
            log.warning("workers_not_counted", error=type(error).__name__)
            return False
