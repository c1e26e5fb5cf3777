"""Takes training orders, and tells how they are doing."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database
from kit.idempotency import IdempotencyKeyReused, IdempotencyTwinRunning, fingerprint
from kit.identity import Caller, UserId
from kit.pagination import PageRequest
from ml_service.billing.port import Billing
from ml_service.datasets.models import Dataset
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import DatasetNotFound, JobEnded, JobNotFound, ModelNameTaken
from ml_service.jobs.holding import hold_price
from ml_service.jobs.models import Job, JobEvent
from ml_service.jobs.news import JobNews
from ml_service.jobs.orders import TrainingOrder
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobKind, has_ended, may_cancel
from ml_service.jobs.writing import written_for
from ml_service.learning.tables import TableProfile
from ml_service.models.repository import ModelRepository

LOOK_SECONDS = 1.0
WORD_EVERY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Started:
    job: Job
    replayed: bool = False


class JobService:
    def __init__(self, database: Database, billing: Billing, news: JobNews) -> None:
        self._database, self._billing, self._news = database, billing, news

    async def start(self, caller: Caller, order: TrainingOrder, key: str | None) -> Started:
        """Check the order, write the job down, hold its price; all of it or nothing.

        The hold is placed inside the transaction: should we die before its commit, it expires by itself.
        """
        asked = fingerprint(order.to_json())
        async with self._database.transaction() as session:
            if key is not None and (first := await _find_first(session, caller.user_id, key)) is not None:
                if first.fingerprint != asked:
                    raise IdempotencyKeyReused
                return Started(first, replayed=True)
            dataset = await DatasetRepository(session).find(caller.user_id, order.dataset_id)
            if dataset is None:
                raise DatasetNotFound
            job = _write_down(caller, order, dataset, key)
            job.fingerprint = asked
            await self._add(session, job, order)
        return Started(job)

    async def _add(self, session: AsyncSession, job: Job, order: TrainingOrder) -> None:
        await JobRepository(session).add(job)
        models = ModelRepository(session)
        if not await models.reserve(UserId(job.user_id), job.id, job.model_name, order.model_type):
            raise ModelNameTaken
        job.tokens_held = await hold_price(self._billing, job, order)

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
        """Ask for it; whoever carries the job out stops it and gives the tokens back."""
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
        """Until it has ended."""
        async with self._news.listening(job.id) as ear:
            while not has_ended(job.state):
                await ear.wait(LOOK_SECONDS)
                job = await self.get(UserId(job.user_id), job.id)
        return job

    async def history(self, job: Job, after: int) -> AsyncGenerator[JobEvent | None]:
        """Every event after this one until the job has ended; None now and then while nothing happens."""
        async with self._news.listening(job.id) as ear:
            quiet = 0.0
            while True:
                # State first: what ended after we looked at the events has its last event still to come.
                ended = has_ended((await self.get(UserId(job.user_id), job.id)).state)
                for event in await self._events_after(job.id, after):
                    after, quiet = event.id, 0.0
                    yield event
                if ended:
                    return
                await ear.wait(LOOK_SECONDS)
                quiet += LOOK_SECONDS
                if quiet >= WORD_EVERY_SECONDS:
                    quiet = 0.0
                    yield None

    async def _events_after(self, job_id: int, event_id: int) -> Sequence[JobEvent]:
        async with self._database.read() as session:
            return await JobRepository(session).events_after(job_id, event_id)


async def _find_first(session: AsyncSession, user_id: UserId, key: str) -> Job | None:
    repository = JobRepository(session)
    if not await repository.try_lock_key(user_id, key):
        raise IdempotencyTwinRunning
    return await repository.find_by_key(user_id, key)


def _write_down(caller: Caller, order: TrainingOrder, dataset: Dataset, key: str | None) -> Job:
    """Raises the first thing that keeps the order from being carried out."""
    draft = order.draft(TableProfile.from_json(dataset.profile))
    job = Job(
        kind=JobKind.TRAIN,
        dataset_id=dataset.id,
        model_type=order.model_type,
        rows=dataset.row_count,
        model_name=order.name_model(caller.user_id, datetime.now(UTC)),
        units=draft.units,
        spec=draft.spec,
        idempotency_key=key,
    )
    return written_for(caller, job)
