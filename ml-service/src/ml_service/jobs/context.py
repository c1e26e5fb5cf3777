"""Context of a job's handler: the job, the worker's resources, and the progress queue."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database, Json
from kit.outages import describe_outage
from ml_service.billing.port import Billing
from ml_service.jobs.cluster import DaskCluster
from ml_service.jobs.lease_repository import LeaseRepository, renew_lease
from ml_service.jobs.notifications import JobNotifications
from ml_service.jobs.rules import STAGE_PERCENT, GiveUp, Retry
from ml_service.learning.tables import CsvLimits
from ml_service.orm import Job
from ml_service.store.files import Files
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.uploads import Uploads

FLUSH_SECONDS = 5.0

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class WorkerContext:
    """Resources and limits shared by all jobs of a worker; `time_limit` is for one task."""

    database: Database
    billing: Billing
    cluster: DaskCluster
    files: Files
    artefacts: Artefacts
    uploads: Uploads
    results: Results
    notifications: JobNotifications
    limits: CsvLimits
    lease_seconds: float
    time_limit: float
    max_running_per_user: int
    max_model_bytes: int
    reserved_workers: int
    kinds: "Mapping[str, KindOfJob]"

    async def renew_lease(self, job_id: int, lease: UUID) -> bool:
        """Returns whether the job's owner has cancelled it. Raises LeaseLost.

        On a driver connection, since a lease must not end while requests use all others.
        """
        async with self.database.driver() as connection:
            return await renew_lease(connection, job_id, lease, timedelta(seconds=self.lease_seconds))

    @contextlib.asynccontextmanager
    async def leases(self) -> AsyncGenerator[LeaseRepository]:
        """Open the transaction of one step of a job."""
        async with self.database.transaction() as session:
            yield LeaseRepository(session, self.lease_seconds, self.reserved_workers)


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    kind: str
    percent: int | None
    stage: str | None = None
    data: Json = field(default_factory=dict[str, object])


class Progress:
    """Queue of progress updates, written to the job's row and history while the handler runs."""

    def __init__(self) -> None:
        self._updates: asyncio.Queue[ProgressUpdate] = asyncio.Queue()
        self.started = asyncio.Event()

    def report_stage(self, stage: str, percent: int | None = None) -> None:
        """Report a new stage; `percent` defaults to that stage's usual value."""
        self.started.set()
        percent = STAGE_PERCENT.get(stage) if percent is None else percent
        self._updates.put_nowait(ProgressUpdate("stage", percent, stage))

    def report_event(self, kind: str, percent: int, data: Json) -> None:
        self._updates.put_nowait(ProgressUpdate(kind, percent, data=data))

    async def write_forever(self, worker: WorkerContext, job_id: int, lease: UUID) -> None:
        """Write each update as it arrives; raises LeaseLost."""
        while True:
            update = await self._updates.get()
            try:
                await _write(worker, job_id, lease, update)
            except Exception as error:
                if describe_outage(error) is None:
                    raise
                log.warning("progress_not_written", error=type(error).__name__)
            finally:
                self._updates.task_done()

    async def flush(self) -> None:
        """Wait until all updates are written, at most FLUSH_SECONDS."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._updates.join()


@dataclass(frozen=True, slots=True)
class JobContext:
    """One attempt at a job."""

    worker: WorkerContext
    job: Job
    lease: UUID
    progress: Progress

    @property
    def name(self) -> str:
        """A name unique to the attempt; the sweeper recognises the job's files by the id at its beginning."""
        return f"{self.job.id}-{self.job.attempts}-{self.lease.hex[:8]}"


@dataclass(frozen=True, slots=True)
class KindOfJob:
    """A kind of job of another folder: its handler, and what happens in the transaction that ends the job.

    `fail` also ends a cancelled job.
    """

    handle: "Handler"
    succeed: "AtEnd"
    fail: "AtEnd"


# The job's `result`, its final failure, or a retry.
Outcome = Json | GiveUp | Retry
# A handler is cancelled with its job or at shutdown; it then stops its tasks on the cluster.
Handler = Callable[[JobContext], Awaitable[Outcome]]
AtEnd = Callable[[AsyncSession, Job], Awaitable[None]]


async def _write(worker: WorkerContext, job_id: int, lease: UUID, update: ProgressUpdate) -> None:
    async with worker.leases() as leases:
        job = await leases.get_leased(job_id, lease)
        job.stage = update.stage or job.stage
        job.percent = job.percent if update.percent is None else update.percent
        stage = {"stage": update.stage} if update.stage else {}
        await leases.record(job, update.kind, {**stage, "percent": job.percent, **update.data})
