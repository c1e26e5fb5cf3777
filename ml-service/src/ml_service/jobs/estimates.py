"""Estimates of the queue for the owners of live jobs, and its gauges for `/metrics`."""

import time
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Gauge

from kit.background import SingleFlight, every
from kit.database import Database
from ml_service.jobs.estimate_rules import NO_ESTIMATE, QueueEstimate, estimate_queue
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import LIVE, JobState, has_ended
from ml_service.orm import Job

MEASURE_SECONDS = 5.0
FRESH_SECONDS = 1.0
MAX_ESTIMATED_JOBS = 500
JOBS = Gauge("farebox_jobs", "Jobs that have not ended", ["state"])
WORKERS = Gauge("farebox_workers", "Fits that the Dask cluster can run at once")


class QueueEstimates:
    """Estimates of the whole queue, computed once for all requests of a second."""

    def __init__(self, database: Database, slots: Callable[[], int]) -> None:
        """`slots` returns the number of tasks that the cluster runs at once."""
        self._database, self._slots = database, slots
        self._estimates: Mapping[int, QueueEstimate] = {}
        self._estimated_at, self._newest = float("-inf"), 0
        self._estimating = SingleFlight[str, None]()

    async def for_jobs(self, jobs: Sequence[Job]) -> Mapping[int, QueueEstimate]:
        """Estimates by job id; an ended job has none, nor has one behind the first MAX_ESTIMATED_JOBS."""
        live = [job for job in jobs if not has_ended(job.state)]
        if not live:
            return {}
        if time.monotonic() - self._estimated_at >= FRESH_SECONDS or not self._knows(live):
            await self._estimating.run("queue", self._estimate)
        return {job.id: self._estimates.get(job.id, NO_ESTIMATE) for job in live}

    def _knows(self, live: Sequence[Job]) -> bool:
        """False if a job was queued or started after the estimates."""
        return all(job.id <= self._newest and self._is_current(job) for job in live)

    def _is_current(self, job: Job) -> bool:
        estimate = self._estimates.get(job.id)
        waited = estimate is not None and estimate.queue_position is not None
        return estimate is None or waited == (job.state == JobState.QUEUED)

    async def _estimate(self) -> None:
        async with self._database.read() as session:
            repository = JobRepository(session)
            newest = await repository.newest_id()
            live, past = await repository.live_jobs(MAX_ESTIMATED_JOBS), await repository.past_jobs()
        self._estimates, self._newest = estimate_queue(live, past, self._slots()), newest
        self._estimated_at = time.monotonic()

    async def measure_forever(self) -> None:
        """Update the gauges until cancelled; every replica reports the same queue."""
        await every(MEASURE_SECONDS, self.measure, failure="jobs_not_measured")

    async def measure(self) -> None:
        WORKERS.set(self._slots())
        async with self._database.read() as session:
            live = await JobRepository(session).count_live()
        for state in LIVE:
            JOBS.labels(state.value).set(live.get(state, 0))
