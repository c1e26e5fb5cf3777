"""What waits, runs and has ended, as figures for `/metrics`; every replica shows the same queue."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import Counter, Gauge

from kit.database import Database
from kit.outages import describe_outage
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import LIVE

LOOK_SECONDS = 5.0
JOBS = Gauge("farebox_jobs", "Jobs that have not ended", ["state"])
WORKERS = Gauge("farebox_workers", "Fits that the Dask cluster can run at once")
JOBS_ENDED = Counter("farebox_jobs_ended_total", "Jobs that this replica ended", ["kind", "outcome"])

log = structlog.stdlib.get_logger()


async def measure_forever(database: Database, slots: Callable[[], int]) -> None:
    while True:
        try:
            await measure(database, slots)
        except Exception as error:
            # A figure that is a little old harms nobody; the loop must go on whatever happened.
            log.warning("jobs_not_measured", error=type(error).__name__, outage=describe_outage(error))
        await asyncio.sleep(LOOK_SECONDS)


async def measure(database: Database, slots: Callable[[], int]) -> None:
    WORKERS.set(slots())
    async with database.read() as session:
        found = await JobRepository(session).count_live()
    for state in LIVE:
        JOBS.labels(state.value).set(found.get(state, 0))
