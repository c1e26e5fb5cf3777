"""Claims jobs and carries them out, as many at once as the cluster has workers."""

import asyncio

import structlog

from ml_service.jobs.models import Job
from ml_service.work.attempt import Attempt
from ml_service.work.parts import Parts

LOOK_SECONDS = 1.0

log = structlog.stdlib.get_logger()


class Runner:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._attempts: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Until cancelled; then what was begun is handed back."""
        try:
            async with self._parts.news.listening() as ear:
                while True:
                    await self._claim_all()
                    await ear.wait(LOOK_SECONDS)
        finally:
            for attempt in self._attempts:
                attempt.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _claim_all(self) -> None:
        try:
            while (job := await self._claim()) is not None:
                self._begin(job)
        except Exception as error:
            # Whatever stopped a claim, the jobs are still there and the next round looks again.
            log.warning("jobs_not_claimed", error=type(error).__name__)

    async def _claim(self) -> Job | None:
        slots = await self._parts.cluster.slots()
        async with self._parts.leases() as leases:
            return await leases.claim(slots, self._parts.most_running)

    def _begin(self, job: Job) -> None:
        if job.lease is None:
            return
        attempt = asyncio.create_task(Attempt(self._parts, job, job.lease).carry_out())
        self._attempts.add(attempt)
        attempt.add_done_callback(self._end)

    def _end(self, attempt: "asyncio.Task[None]") -> None:
        self._attempts.discard(attempt)
        if not attempt.cancelled() and (crash := attempt.exception()) is not None:
            # The lease runs out and the job is claimed again, a limited number of times.
            log.error("attempt_crashed", exc_info=crash)
