"""Queries of jobs and their events for owners and for the queue."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import BigInteger, and_, column, func, select, true, values
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.jobs.estimate_rules import JobProfile, LiveJob, PastJob
from ml_service.jobs.rules import CANDIDATE, LIVE, JobState
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

    async def lock(self, job_id: int | None) -> Job | None:
        """The job, locked until the transaction ends."""
        return await self._session.scalar(select(Job).where(Job.id == job_id).with_for_update())

    async def find_by_key(self, user_id: UserId, key: str) -> Job | None:
        return await self._session.scalar(
            select(Job).where(Job.user_id == user_id, Job.idempotency_key == key)
        )

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Job]:
        statement = select(Job).where(Job.user_id == user_id, Job.id < page.before)
        return (await self._session.scalars(statement.order_by(Job.id.desc()).limit(page.fetch))).all()

    async def events_after(self, cursors: Mapping[int, int]) -> Sequence[JobEvent]:
        """The events of each job after the event with this id, in order."""
        cursor = values(column("job_id", BigInteger), column("event_id", BigInteger), name="cursors")
        after = cursor.data(list(cursors.items()))
        followed = and_(JobEvent.job_id == after.c.job_id, JobEvent.id > after.c.event_id)
        return (
            await self._session.scalars(select(JobEvent).join(after, followed).order_by(JobEvent.id))
        ).all()

    async def newest_candidates(self, job_ids: Sequence[int]) -> Mapping[int, JobEvent]:
        """The newest event about a candidate of each of these comparisons."""
        newest = select(func.max(JobEvent.id)).where(JobEvent.job_id.in_(job_ids), JobEvent.kind == CANDIDATE)
        events = select(JobEvent).where(JobEvent.id.in_(newest.group_by(JobEvent.job_id)))
        return {event.job_id: event for event in await self._session.scalars(events)}

    async def find_live(self, job_ids: Sequence[int]) -> set[int]:
        """The jobs among these that have not ended."""
        statement = select(Job.id).where(Job.id.in_(job_ids), Job.state.in_(LIVE))
        return set((await self._session.scalars(statement)).all())

    async def lock_owner(self, user_id: UserId) -> None:
        """Serialize new jobs of one user until the transaction ends: their limit and keys are exact."""
        number = func.hashtextextended("jobs", user_id)
        await self._session.execute(select(func.pg_advisory_xact_lock(number)))

    async def count_queued(self, user_id: UserId) -> int:
        queued = select(func.count()).where(Job.user_id == user_id, Job.state == JobState.QUEUED)
        return int(await self._session.scalar(queued) or 0)

    async def request_cancel(self, job: Job, at: datetime) -> None:
        job.cancel_requested_at = at
        await self.record(job.id, "cancel_requested")

    async def count_live(self) -> dict[str, int]:
        counts = select(Job.state, func.count()).where(Job.state.in_(LIVE)).group_by(Job.state)
        return dict((await self._session.execute(counts)).all())

    async def newest_id(self) -> int:
        return int(await self._session.scalar(select(func.max(Job.id))) or 0)

    async def live_jobs(self, limit: int) -> Sequence[LiveJob]:
        """Running and waiting jobs of all users, the oldest first."""
        now = datetime.now(UTC)
        statement = select(
            Job.id, Job.user_id, Job.kind, Job.model_type, Job.rows, Job.state, Job.workers, Job.started_at
        ).where(Job.state.in_(LIVE))
        first = statement.order_by(Job.id).limit(limit)
        return [
            LiveJob(
                row.id,
                row.user_id,
                JobProfile(row.kind, row.model_type, row.rows),
                row.workers,
                (now - row.started_at).total_seconds() if row.state == JobState.RUNNING else None,
            )
            for row in await self._session.execute(first)
        ]

    async def past_jobs_like(self, kind: str, model_type: str | None) -> Sequence[PastJob]:
        """The newest succeeded jobs of this kind and type."""
        seconds = func.extract("epoch", Job.ended_at - Job.started_at)
        statement = (
            select(Job.rows, seconds.label("seconds"))
            .where(Job.state == JobState.SUCCEEDED, Job.kind == kind, Job.model_type == model_type)
            .order_by(Job.id.desc())
            .limit(MAX_PAST_JOBS)
        )
        rows = await self._session.execute(statement)
        return [PastJob(JobProfile(kind, model_type, row.rows), float(row.seconds)) for row in rows]

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
