"""Jobs as their owners see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.base import Json
from ml_service.jobs.models import Job, JobEvent
from ml_service.jobs.rules import LIVE, JobState

CHANNEL = "ml_jobs"


@dataclass(frozen=True, slots=True)
class HappenedEvent:
    kind: str
    data: Json


class JobRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: Job) -> None:
        self._session.add(job)
        await self._session.flush()
        await self.record(job.id, HappenedEvent("queued", {}))

    async def record(self, job_id: int, event: HappenedEvent) -> None:
        """Write history and, when this commits, wake whoever waits for news of the job."""
        self._session.add(JobEvent(job_id=job_id, kind=event.kind, data=event.data))
        await self._session.flush()
        await self._session.execute(select(func.pg_notify(CHANNEL, str(job_id))))

    async def find(self, user_id: UserId, job_id: int) -> Job | None:
        return await self._session.scalar(select(Job).where(Job.id == job_id, Job.user_id == user_id))

    async def find_locked(self, user_id: UserId, job_id: int) -> Job | None:
        chosen = select(Job).where(Job.id == job_id, Job.user_id == user_id)
        return await self._session.scalar(chosen.with_for_update())

    async def find_by_key(self, user_id: UserId, key: str) -> Job | None:
        return await self._session.scalar(
            select(Job).where(Job.user_id == user_id, Job.idempotency_key == key)
        )

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Job]:
        chosen = select(Job).where(Job.user_id == user_id, Job.id < page.before)
        return (await self._session.scalars(chosen.order_by(Job.id.desc()).limit(page.fetch))).all()

    async def list_all(self, user_id: UserId) -> Sequence[Job]:
        return (await self._session.scalars(select(Job).where(Job.user_id == user_id).order_by(Job.id))).all()

    async def count_live(self) -> dict[JobState, int]:
        counted = select(Job.state, func.count()).where(Job.state.in_(LIVE)).group_by(Job.state)
        return dict((await self._session.execute(counted)).all())

    async def events_after(self, job_id: int, event_id: int) -> Sequence[JobEvent]:
        chosen = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.id > event_id)
        return (await self._session.scalars(chosen.order_by(JobEvent.id))).all()

    async def try_lock_key(self, user_id: UserId, key: str) -> bool:
        """False while a twin with this key has not committed; the lock ends with the transaction."""
        number = func.hashtextextended(f"job {key}", user_id)
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(number))))

    async def request_cancel(self, job: Job, at: datetime) -> None:
        job.cancel_requested_at = at
        await self.record(job.id, HappenedEvent("cancel_requested", {}))


async def is_training_on(session: AsyncSession, dataset_id: int) -> bool:
    chosen = select(Job.id).where(Job.dataset_id == dataset_id, Job.state.in_(LIVE)).limit(1)
    return (await session.execute(chosen)).first() is not None
