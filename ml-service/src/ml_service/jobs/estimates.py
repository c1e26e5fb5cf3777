"""Estimates of the queue for the owners of live jobs, and its gauges for `/metrics`."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Gauge

from kit.background import every
from kit.database import Database
from ml_service.jobs.estimate_rules import QueueEstimate, estimate_queue
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import LIVE, has_ended
from ml_service.orm import Job

MEASURE_SECONDS = 5.0
JOBS = Gauge("farebox_jobs", "Jobs that have not ended", ["state"])
WORKERS = Gauge("farebox_workers", "Fits that the Dask cluster can run at once")


class QueueEstimates:
    def __init__(self, database: Database, slots: Callable[[], int]) -> None:
        """`slots` returns the number of tasks that the cluster runs at once."""
        self._database, self._slots = database, slots

    async def for_jobs(self, jobs: Iterable[Job]) -> Mapping[int, QueueEstimate]:
        """Estimates by job id; an ended job has none."""
        if all(has_ended(job.state) for job in jobs):
            return {}
        async with self._database.read() as session:
            repository = JobRepository(session)
            return estimate_queue(await repository.live_jobs(), await repository.past_jobs(), self._slots())

    async def measure_forever(self) -> None:
        """Update the gauges until cancelled; every replica reports the same queue."""
        await every(MEASURE_SECONDS, self.measure, failure="jobs_not_measured")

    async def measure(self) -> None:
        WORKERS.set(self._slots())
        async with self._database.read() as session:
            live = await JobRepository(session).count_live()
        for state in LIVE:
            JOBS.labels(state.value).set(live.get(state, 0))
