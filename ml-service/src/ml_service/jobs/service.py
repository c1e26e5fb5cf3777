"""Service of jobs: start a training; list, follow, await and cancel jobs."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

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
from ml_service.challenge_errors import ChallengeNotFound
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import (
    AccountDeleted,
    DatasetNotFound,
    JobEnded,
    JobNotFound,
    ModelNameTaken,
    TooManyJobsQueued,
    TrainingCancelled,
    TrainingFailed,
)
from ml_service.jobs.estimate_rules import JobProfile, expected_duration
from ml_service.jobs.notifications import JobFeed
from ml_service.jobs.preparation import Table, new_training
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobState, may_cancel
from ml_service.jobs.settlement import holding_price, release_held
from ml_service.jobs.specs import TrainingJobRequest
from ml_service.learning.comparison import AUTO
from ml_service.learning.training.memory import Room
from ml_service.models.repository import ModelRepository
from ml_service.orm import Dataset, Job, JobEvent
from ml_service.store.quota import StorageQuota

# Well below the 5 seconds after which a revoked token must have no effect.
CHECK_SECONDS = 2.0
# Statuses for rows of an older version, which stored errors without one.
STATUS_OF_CODE = {kind.code: kind.status for kind in CANNOT_PAY}


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job; `replayed` if an earlier request with the same Idempotency-Key started it."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class JobLimits:
    """The jobs of a user that may wait, and the room for a fit on the present workers."""

    queued_per_user: int
    room: Callable[[], Room]


class JobService:
    def __init__(
        self, database: Database, billing: Billing, feed: JobFeed, storage: StorageQuota, limits: JobLimits
    ) -> None:
        self._database, self._billing, self._feed = database, billing, feed
        self._max_queued, self._storage, self._room = limits.queued_per_user, storage, limits.room
        self._starting: set[tuple[UserId, str | None]] = set()

    async def start(
        self, caller: Caller, request: TrainingJobRequest, key: str | None, table: Table | None = None
    ) -> StartedJob:
        """Check the request, hold its price and insert the job; all of it or nothing.

        Without a table it is the stored dataset of the request. No database connection is in use during
        the call to billing: if this process dies before the commit, the hold expires.
        """
        request = replace(request, group_id=caller.group_id)
        with self._refusing_twins(caller.user_id, key):
            first = None if key is None else await self._find_first(caller.user_id, key, request, table)
            if first is not None:
                return StartedJob(first, replayed=True)
            if table is None:
                await self._storage.require_room(caller.user_id)
                table = await self._find_table(caller.user_id, request)
            job = new_training(caller, request, table, key, self._room())
            async with holding_price(self._billing, job, request):
                first = await self._insert(job, request, table)
            if first is not job:
                # Another replica has answered the same request meanwhile.
                await release_held(self._billing, job)
        return StartedJob(first, replayed=first is not job)

    async def has_started(self, user_id: UserId, key: str | None) -> bool:
        """Whether an earlier request with this Idempotency-Key has started a job."""
        if key is None:
            return False
        async with self._database.read() as session:
            return await JobRepository(session).find_by_key(user_id, key) is not None

    async def add(self, session: AsyncSession, job: Job) -> None:
        """Insert a job, whose price is held, into the queue. Raises TooManyJobsQueued."""
        repository, user_id = JobRepository(session), UserId(job.user_id)
        await repository.lock_owner(user_id)
        if await repository.count_queued(user_id) >= self._max_queued:
            raise TooManyJobsQueued(self._max_queued)
        if job.model_type != AUTO:
            past = await repository.past_jobs_like(job.kind, job.model_type)
            job.duration = expected_duration(JobProfile(job.kind, job.model_type, job.rows), past)
        await repository.add(job)

    async def get(self, user_id: UserId, job_id: int) -> Job:
        async with self._database.read() as session:
            job = await JobRepository(session).find(user_id, job_id)
        if job is None:
            raise JobNotFound
        return job

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Job]:
        async with self._database.read() as session:
            return await JobRepository(session).list_page(user_id, page)

    async def comparisons(self, jobs: Sequence[Job]) -> Mapping[int, JobEvent]:
        """The newest event about a candidate of each running comparison among these jobs."""
        running = [job.id for job in jobs if job.model_type == AUTO and job.state == JobState.RUNNING]
        if not running:
            return {}
        async with self._database.read() as session:
            return await JobRepository(session).newest_candidates(running)

    async def cancel(self, user_id: UserId, job_id: int) -> Job:
        """Request the cancellation; the replica that runs the job stops it and releases its tokens."""
        async with self._database.transaction_of(user_id) as session:
            repository = JobRepository(session)
            job = await repository.find_locked(user_id, job_id)
            if job is None:
                raise JobNotFound
            if not may_cancel(job.state, job.result is not None):
                raise JobEnded
            if job.cancel_requested_at is None:
                await repository.request_cancel(job, datetime.now(UTC))
        return job

    async def wait(self, job: Job, seconds: float | None = None) -> Job:
        """Wait until the job has ended, at most this long; returns its newest state."""
        async with self._feed.follow(job.id) as follower:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not follower.has_ended:
                        await follower.read()
        return await self.get(UserId(job.user_id), job.id)

    async def history(self, job: Job, after: int, is_allowed: Callable[[], bool]) -> AsyncGenerator[JobEvent]:
        """Yield every event after this one until the job has ended or the caller may not read it any more."""
        async with self._feed.follow(job.id, after) as follower:
            while is_allowed():
                for event in await follower.read(CHECK_SECONDS):
                    yield event
                if follower.has_ended:
                    return

    @contextlib.contextmanager
    def _refusing_twins(self, user_id: UserId, key: str | None) -> Generator[None]:
        """Refuse a second request with the key beside the first; the database decides between replicas."""
        if (user_id, key) in self._starting:
            raise IdempotencyTwinRunning
        if key is not None:
            self._starting.add((user_id, key))
        try:
            yield
        finally:
            self._starting.discard((user_id, key))

    async def _find_first(
        self, user_id: UserId, key: str, request: TrainingJobRequest, table: Table | None
    ) -> Job | None:
        """The job that an earlier request with this key started. Raises IdempotencyKeyReused for another."""
        async with self._database.read() as session:
            first = await JobRepository(session).find_by_key(user_id, key)
            if first is None:
                return None
            known = [fingerprint(request.to_json()) if table is None else table.fingerprint(request)]
            if table is not None and first.dataset_id is not None:
                # Jobs of earlier versions are recognised by the dataset.
                stored = await DatasetRepository(session).find(user_id, first.dataset_id)
                if stored is not None and stored.sha256 == table.dataset.sha256:
                    known.append(fingerprint(replace(request, dataset_id=stored.id).to_json()))
        return _same_request(first, known)

    async def _find_table(self, user_id: UserId, request: TrainingJobRequest) -> Table:
        async with self._database.read() as session:
            repository = DatasetRepository(session)
            if request.challenge_id is not None:
                dataset = await repository.find_of_challenge(user_id, request.challenge_id)
            else:
                dataset = await repository.find_readable(user_id, request.dataset_id)
            if dataset is None:
                raise DatasetNotFound if request.challenge_id is None else ChallengeNotFound
            challenge = await repository.find_challenge(dataset)
        return Table(dataset, partial(_lock_dataset, user_id, dataset.id), challenge=challenge)

    async def _insert(self, job: Job, request: TrainingJobRequest, table: Table) -> Job:
        """Insert the job and reserve its model's name; returns the first job with the same key, if any."""
        user_id = UserId(job.user_id)
        async with self._database.transaction_of(user_id) as session:
            repository = JobRepository(session)
            dataset = await table.insert(session)
            job.dataset_id, job.fingerprint = dataset.id, table.fingerprint(request)
            if await DatasetRepository(session).is_deleted_user(user_id):
                raise AccountDeleted
            await repository.lock_owner(user_id)
            if (key := job.idempotency_key) is not None:
                first = _same_request(await repository.find_by_key(user_id, key), [job.fingerprint])
                if first is not None:
                    return first
            await self.add(session, job)
            if not await ModelRepository(session).reserve(job):
                raise ModelNameTaken
        return job


def raise_unless_succeeded(job: Job) -> None:
    """Raise the error of an ended job for the caller who waited for it."""
    if job.state == JobState.CANCELLED:
        raise TrainingCancelled
    if job.error is not None:
        raise _error_of(job.error)


async def _lock_dataset(user_id: UserId, dataset_id: int, session: AsyncSession) -> Dataset:
    dataset = await DatasetRepository(session).find_for_job(user_id, dataset_id)
    if dataset is None:
        raise DatasetNotFound
    return dataset


def _same_request(first: Job | None, known: Sequence[bytes]) -> Job | None:
    """The first job with the key. Raises IdempotencyKeyReused if it was another request than the known."""
    if first is not None and first.fingerprint not in known:
        raise IdempotencyKeyReused
    return first


def _error_of(stored: Json) -> ServiceError:
    """The stored error of the task or of billing-service; an internal one becomes TrainingFailed."""
    status = STATUS_OF_CODE.get(stored["code"], InternalError.status)
    error = from_document({"status": status, **stored})
    return TrainingFailed(stored["detail"]) if error.status >= InternalError.status else error
