"""Service of jobs: start a training, follow, wait, cancel."""

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
# For rows written before errors were stored with their status.
STATUS_OF_CODE = {kind.code: kind.status for kind in CANNOT_PAY}


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job, and whether its Idempotency-Key was used before."""

    job: Job
    replayed: bool = False


class JobService:
    def __init__(self, database: Database, billing: Billing, notifications: JobNotifications) -> None:
        self._database, self._billing, self._notifications = database, billing, notifications

    async def start(self, caller: Caller, request: TrainingJobRequest, key: str | None) -> StartedJob:
        """Check the request, insert the job and hold its price; all of it or nothing.

        The hold is placed inside the transaction: if this process dies before the commit, the hold expires.
        """
        request_hash = fingerprint(request.to_json())
        async with self._database.transaction() as session:
            if key is not None and (first := await _find_first(session, caller.user_id, key)) is not None:
                if first.fingerprint != request_hash:
                    raise IdempotencyKeyReused
                return StartedJob(first, replayed=True)
            dataset = await DatasetRepository(session).find(caller.user_id, request.dataset_id)
            if dataset is None:
                raise DatasetNotFound
            job = _new_training(caller, request, dataset, key)
            job.fingerprint = request_hash
            await self._add(session, job, request)
        return StartedJob(job)

    async def _add(self, session: AsyncSession, job: Job, request: TrainingJobRequest) -> None:
        await JobRepository(session).add(job)
        models = ModelRepository(session)
        if not await models.reserve(UserId(job.user_id), job.id, job.model_name, request.model_type):
            raise ModelNameTaken
        job.tokens_held = await hold_price(self._billing, job, request)

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
        """Request it; the replica that runs the job stops it and releases its tokens."""
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
        """Every event after this one, until the job has ended."""
        async with self._notifications.subscribe(job.id) as subscription:
            while True:
                # State first: a job that ends after its state was read has its last event still to come.
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
    """Raise the failure of an ended job as an error for the caller who waited for it."""
    if job.state == JobState.CANCELLED:
        raise TrainingCancelled
    if job.error is not None:
        raise _error_of(job.error)


async def _find_first(session: AsyncSession, user_id: UserId, key: str) -> Job | None:
    repository = JobRepository(session)
    if not await repository.try_lock_key(user_id, key):
        raise IdempotencyTwinRunning
    return await repository.find_by_key(user_id, key)


def _new_training(caller: Caller, request: TrainingJobRequest, dataset: Dataset, key: str | None) -> Job:
    """Raises the first reason that the training is impossible."""
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
    )
    return prepare_job(caller, job)


def _error_of(stored: Json) -> ServiceError:
    """The error that the task or billing-service raised; a bug of ours is a failed training."""
    status = STATUS_OF_CODE.get(stored["code"], InternalError.status)
    error = from_document({"status": status, **stored})
    return TrainingFailed(stored["detail"]) if error.status >= InternalError.status else error
