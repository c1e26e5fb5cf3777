"""Service of jobs: start a training; list, follow, await and cancel jobs."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from kit.database import Database, Json
from kit.digests import fingerprint
from kit.errors import (
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    InternalError,
    ServiceError,
    from_document,
)
from kit.identity import Caller, UserId
from kit.pagination import PageRequest
from ml_service.billing.port import CANNOT_PAY, Billing
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import (
    DatasetNotFound,
    JobEnded,
    JobNotFound,
    ModelNameTaken,
    TrainingCancelled,
    TrainingFailed,
)
from ml_service.jobs.notifications import JobNotifications
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobKind, JobState, has_ended, may_cancel
from ml_service.jobs.settlement import FIRST_TTL_SECONDS, hold_price
from ml_service.jobs.specs import TrainingJobRequest
from ml_service.learning.tables import TableProfile
from ml_service.models.repository import ModelRepository
from ml_service.orm import Dataset, Job, JobEvent

POLL_SECONDS = 1.0
# Statuses for rows of an older version, which stored errors without one.
STATUS_OF_CODE = {kind.code: kind.status for kind in CANNOT_PAY}


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job; `replayed` if an earlier request with the same Idempotency-Key started it."""

    job: Job
    replayed: bool = False


class JobService:
    def __init__(self, database: Database, billing: Billing, notifications: JobNotifications) -> None:
        self._database, self._billing, self._notifications = database, billing, notifications

    async def start(self, caller: Caller, request: TrainingJobRequest, key: str | None) -> StartedJob:
        """Check the request, insert the job and hold its price; all of it or nothing.

        The hold is placed inside the transaction: if this process dies before the commit, the hold expires.
        """
        user_id = caller.user_id
        async with self._database.transaction() as session:
            first = None if key is None else await _find_first(session, user_id, key, request)
            if first is not None:
                return StartedJob(first, replayed=True)
            dataset = await DatasetRepository(session).find(user_id, request.dataset_id)
            if dataset is None:
                raise DatasetNotFound
            job = _new_training(caller, request, dataset, key)
            await JobRepository(session).add(job)
            if not await ModelRepository(session).reserve(job):
                raise ModelNameTaken
            job.tokens_held = await hold_price(self._billing, job, request)
        return StartedJob(job)

    async def get(self, user_id: UserId, job_id: int) -> Job:
        async with self._database.read() as session:
            job = await JobRepository(session).find(user_id, job_id)
        if job is None:
            raise JobNotFound
        return job

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Job]:
        async with self._database.read() as session:
            return await JobRepository(session).list_page(user_id, page)

    async def cancel(self, user_id: UserId, job_id: int) -> Job:
        """Request the cancellation; the replica that runs the job stops it and releases its tokens."""
        async with self._database.transaction() as session:
            repository = JobRepository(session)
            job = await repository.find_locked(user_id, job_id)
            if job is None:
                raise JobNotFound
            if not may_cancel(job.state, job.result is not None):
                raise JobEnded
            if job.cancel_requested_at is None:
                await repository.request_cancel(job, datetime.now(UTC))
        return job

    async def wait(self, job: Job) -> Job:
        """Wait until the job has ended."""
        async with self._notifications.subscribe(job.id) as subscription:
            while not has_ended(job.state):
                await subscription.wait(POLL_SECONDS)
                job = await self.get(UserId(job.user_id), job.id)
        return job

    async def history(self, job: Job, after: int) -> AsyncGenerator[JobEvent]:
        """Yield every event after this one until the job has ended."""
        async with self._notifications.subscribe(job.id) as subscription:
            while True:
                # Read the state before the events: a job that ends in between still gets its last event sent.
                ended = has_ended((await self.get(UserId(job.user_id), job.id)).state)
                for event in await self._events_after(job.id, after):
                    after = event.id
                    yield event
                if ended:
                    return
                await subscription.wait(POLL_SECONDS)

    async def _events_after(self, job_id: int, event_id: int) -> Sequence[JobEvent]:
        async with self._database.read() as session:
            return await JobRepository(session).events_after(job_id, event_id)


def prepare_job(caller: Caller, job: Job) -> Job:
    """Set the owner, the request and the key of the hold."""
    job.user_id = caller.user_id
    job.request_id = get_contextvars().get("request_id")
    job.hold_key = f"{job.kind}:{uuid4().hex}"
    job.hold_until = datetime.now(UTC) + timedelta(seconds=FIRST_TTL_SECONDS)
    job.tokens_held = 0
    if caller.api_key is not None:
        job.api_key_id, job.api_key_cap = caller.api_key.id, caller.api_key.usage_cap
    return job


def raise_unless_succeeded(job: Job) -> None:
    """Raise the error of an ended job for the caller who waited for it."""
    if job.state == JobState.CANCELLED:
        raise TrainingCancelled
    if job.error is not None:
        raise _error_of(job.error)


async def _find_first(
    session: AsyncSession, user_id: UserId, key: str, request: TrainingJobRequest
) -> Job | None:
    """The job that an earlier request with this key started."""
    repository = JobRepository(session)
    if not await repository.try_lock_key(user_id, key):
        raise IdempotencyTwinRunning
    first = await repository.find_by_key(user_id, key)
    if first is not None and first.fingerprint != fingerprint(request.to_json()):
        raise IdempotencyKeyReused
    return first


def _new_training(caller: Caller, request: TrainingJobRequest, dataset: Dataset, key: str | None) -> Job:
    """Raises the first error that makes the training impossible."""
    job_spec = request.to_job_spec(TableProfile.from_json(dataset.profile))
    job = Job(
        kind=JobKind.TRAIN,
        dataset_id=dataset.id,
        model_type=request.model_type,
        rows=dataset.row_count,
        model_name=request.name_model(caller.user_id, datetime.now(UTC)),
        units=job_spec.units,
        spec=job_spec.spec,
        idempotency_key=key,
        fingerprint=fingerprint(request.to_json()),
    )
    return prepare_job(caller, job)


def _error_of(stored: Json) -> ServiceError:
    """The stored error of the task or of billing-service; an internal one becomes TrainingFailed."""
    status = STATUS_OF_CODE.get(stored["code"], InternalError.status)
    error = from_document({"status": status, **stored})
    return TrainingFailed(stored["detail"]) if error.status >= InternalError.status else error
