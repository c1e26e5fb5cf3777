"""Queries of jobs and their events for owners and for the queue."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.jobs.estimate_rules import JobProfile, LiveJob, PastJob
from ml_service.jobs.rules import LIVE, JobState
from ml_service.orm import Job, JobEvent

CHANNEL = "ml_jobs"
# Past jobs of each kind and type that an estimate is based on.
MAX_PAST_JOBS = 200


class JobRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: Job) -> None:
        self._session.add(job)
        await self._session.flush()
        await self.record(job.id, "queued")

    async def record(self, job_id: int, kind: str, data: Mapping[str, object] | None = None) -> None:
        """Add an event to the history; subscribers to the job are notified at the commit."""
        self._session.add(JobEvent(job_id=job_id, kind=kind, data=dict(data or {})))
        await self._session.flush()
        await self._session.execute(select(func.pg_notify(CHANNEL, str(job_id))))

    async def find(self, user_id: UserId, job_id: int) -> Job | None:
        return await self._session.scalar(select(Job).where(Job.id == job_id, Job.user_id == user_id))

    async def find_locked(self, user_id: UserId, job_id: int) -> Job | None:
        statement = select(Job).where(Job.id == job_id, Job.user_id == user_id)
        return await self._session.scalar(statement.with_for_update())

    async def find_by_key(self, user_id: UserId, key: str) -> Job | None:
        return await self._session.scalar(
            select(Job).where(Job.user_id == user_id, Job.idempotency_key == key)
        )

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Job]:
        statement = select(Job).where(Job.user_id == user_id, Job.id < page.before)
        return (await self._session.scalars(statement.order_by(Job.id.desc()).limit(page.fetch))).all()

    async def events_after(self, job_id: int, event_id: int) -> Sequence[JobEvent]:
        statement = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.id > event_id)
        return (await self._session.scalars(statement.order_by(JobEvent.id))).all()

    async def try_lock_key(self, user_id: UserId, key: str) -> bool:
        """False while another transaction has the lock; it ends with the transaction."""
        number = func.hashtextextended(f"job {key}", user_id)
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(number))))

    async def request_cancel(self, job: Job, at: datetime) -> None:
        job.cancel_requested_at = at
        await self.record(job.id, "cancel_requested")

    async def count_live(self) -> dict[str, int]:
        counts = select(Job.state, func.count()).where(Job.state.in_(LIVE)).group_by(Job.state)
        return dict((await self._session.execute(counts)).all())

    async def live_jobs(self) -> Sequence[LiveJob]:
        """Waiting and running jobs of all users."""
        now = datetime.now(UTC)
        statement = select(
            Job.id, Job.user_id, Job.kind, Job.model_type, Job.rows, Job.state, Job.workers, Job.started_at
        ).where(Job.state.in_(LIVE))
        return [
            LiveJob(
                row.id,
                row.user_id,
                JobProfile(row.kind, row.model_type, row.rows),
                row.workers,
                (now - row.started_at).total_seconds() if row.state == JobState.RUNNING else None,
            )
            for row in await self._session.execute(statement)
        ]

    async def past_jobs(self) -> Sequence[PastJob]:
        """The newest succeeded jobs of each kind and type with live jobs."""
        live = select(Job.kind, Job.model_type).where(Job.state.in_(LIVE)).distinct().subquery()
        seconds = func.extract("epoch", Job.ended_at - Job.started_at).label("seconds")
        newest = (
            select(Job.rows, seconds)
            .where(Job.state == JobState.SUCCEEDED)
            .where(Job.kind == live.c.kind, Job.model_type == live.c.model_type)
            .order_by(Job.id.desc())
            .limit(MAX_PAST_JOBS)
            .lateral()
        )
        statement = select(live, newest).join_from(live, newest, true())
        return [
            PastJob(JobProfile(row.kind, row.model_type, row.rows), float(row.seconds))
            for row in await self._session.execute(statement)
        ]


async def is_training_on(session: AsyncSession, dataset_id: int) -> bool:
    statement = select(Job.id).where(Job.dataset_id == dataset_id, Job.state.in_(LIVE)).limit(1)
    return (await session.execute(statement)).first() is not None
