"""Queries of a replica that runs a job: claim it under a lease, renew, requeue, end.

Every write names the lease, so a replica without the lease has no effect.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import ColumnElement, Subquery, and_, case, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import CANDIDATE, LIVE, MAX_ATTEMPTS, Duration, JobKind, JobState, Retry, retry
from ml_service.orm import Job, JobEvent, Model

CLAIM_LOCK = 0x6D6C_6A6F_6273
# Users whose last job started earlier are equal in turn.
RECENT = timedelta(minutes=1)
RENEW = """
UPDATE ml.jobs SET lease_until = now() + $3::interval WHERE id = $1 AND lease = $2
RETURNING cancel_requested_at IS NOT NULL
"""

# An overdue job keeps its worker for now, keeps it as a long job, or makes room.
Turn = Literal["wait", "long", "over"]


class LeaseLost(Exception):
    """Another replica has claimed the job; this one must not change it any more."""


class LeaseRepository:
    def __init__(self, session: AsyncSession, lease_seconds: float, reserved_workers: int = 1) -> None:
        """`reserved_workers` run short jobs only."""
        self.session = self._session = session
        self._length = timedelta(seconds=lease_seconds)
        self._reserved = reserved_workers
        self._history = JobRepository(session)

    async def claim(self, slots: int, max_per_user: int) -> Job | None:
        """Claim the next job: of the group, then the user, with the fewest workers, then in turn.

        Jobs without a group count for their user. Scorings come first, on half of the workers at most: they
        take a tenth of a second, and a class waits for its board. A job that needs a worker is claimed only
        while a worker is free and its user is below the limit. The last free workers are reserved for short
        jobs, and for the first one of a user.
        """
        await self._lock_claims()
        users, groups = _workers_by(Job.user_id), _workers_by(Job.group_id)
        is_scoring = Job.kind == JobKind.SCORE
        turns = (
            select(Job.user_id, func.max(Job.started_at).label("started_at"))
            .where(Job.started_at > func.now() - RECENT)
            .group_by(Job.user_id)
            .subquery()
        )
        has_room = and_(
            _workers_in_use() < slots,
            or_(
                Job.duration == Duration.SHORT,
                and_(Job.duration == Duration.UNKNOWN, users.c.workers.is_(None)),
                self._long_has_room(slots),
            ),
            or_(~is_scoring, _workers_in_use(is_scoring) < max(1, slots // 2)),
            func.coalesce(users.c.jobs, 0) < max_per_user,
        )
        chosen = (
            select(Job)
            .outerjoin(users, users.c.user_id == Job.user_id)
            .outerjoin(groups, groups.c.group_id == Job.group_id)
            .outerjoin(turns, turns.c.user_id == Job.user_id)
            .where(_is_claimable(), or_(_needs_no_worker(), has_room))
            .order_by(
                _needs_no_worker().desc(),
                is_scoring.desc(),
                case((Job.group_id.is_(None), users.c.workers), else_=groups.c.workers).asc().nulls_first(),
                func.coalesce(users.c.workers, 0),
                turns.c.started_at.asc().nulls_first(),
                Job.id,
            )
            .limit(1)
            .with_for_update(skip_locked=True, of=Job)
        )
        job = await self._session.scalar(chosen)
        if job is not None:
            await self._start(job)
        return job

    async def get_leased(self, job_id: int, lease: UUID) -> Job:
        """The job, locked until the transaction ends. Raises LeaseLost."""
        chosen = select(Job).where(Job.id == job_id, Job.lease == lease).with_for_update()
        job = await self._session.scalar(chosen)
        if job is None:
            raise LeaseLost
        return job

    async def add_worker(self, job_id: int, lease: UUID, slots: int) -> bool:
        """Add a worker to this job if one is free and no other job waits. Raises LeaseLost."""
        await self._lock_claims()
        job = await self.get_leased(job_id, lease)
        waits = select(Job.id).where(Job.state == JobState.QUEUED, Job.run_after <= func.now()).exists()
        has_room = and_(_workers_in_use() < slots, self._long_has_room(slots))
        may = await self._session.scalar(select(and_(has_room, ~waits)))
        job.workers += 1 if may else 0
        return bool(may)

    async def set_workers(self, job_id: int, lease: UUID, count: int) -> bool:
        """Raises LeaseLost."""
        (await self.get_leased(job_id, lease)).workers = count
        return True

    async def continue_overdue(self, job_id: int, lease: UUID, slots: int) -> Turn:
        """Decide about a job that was not expected to be long. Raises LeaseLost.

        It continues as a long job if one more has room, or until another user with fewer workers needs one.
        """
        await self._lock_claims()
        job = await self.get_leased(job_id, lease)
        if await self._session.scalar(select(self._long_has_room(slots, Job.id != job_id))):
            job.duration = Duration.LONG
            return "long"
        users = _workers_by(Job.user_id)
        waits = (
            select(Job.id)
            .outerjoin(users, users.c.user_id == Job.user_id)
            .where(Job.state == JobState.QUEUED, Job.run_after <= func.now(), Job.duration != Duration.LONG)
            .where(func.coalesce(users.c.workers, 0) < _workers_in_use(Job.user_id == job.user_id))
        )
        is_needed = await self._session.scalar(select(and_(waits.exists(), _workers_in_use() >= slots)))
        return "over" if is_needed else "wait"

    async def demote(self, job: Job) -> None:
        """Queue an overdue job again as a long one; the interrupted attempt does not count."""
        job.duration, job.attempts = Duration.LONG, job.attempts - 1
        await self.requeue(job)

    async def requeue(self, job: Job, again: Retry | None = None) -> None:
        """Queue the job again; its stage announces a retry."""
        job.state, job.lease, job.lease_until = JobState.QUEUED, None, None
        job.stage, job.percent = None if again is None else again.stage, 0
        job.run_after = func.now() + timedelta(seconds=0 if again is None else again.after_seconds)
        announced = {} if again is None else {"percent": 0, **again.to_json()}
        await self.record(job, "requeued", {"attempts": job.attempts, **announced})

    async def record(self, job: Job, kind: str, data: Mapping[str, object] | None = None) -> None:
        await self._history.record(job.id, kind, data)

    async def count_finished_candidates(self, job_id: int) -> int:
        """The number of candidates of a comparison whose scores are in its history."""
        candidates = select(func.count(JobEvent.data["number"].distinct())).where(JobEvent.job_id == job_id)
        finished = JobEvent.data["candidate"]["state"].astext == "finished"
        return int(await self._session.scalar(candidates.where(JobEvent.kind == CANDIDATE, finished)) or 0)

    async def succeed(self, job: Job) -> None:
        """End the job and publish its model in the same transaction."""
        job.percent = 100
        _end(job, JobState.SUCCEEDED)
        if job.kind == JobKind.TRAIN:
            await self._publish_model(job)
        await self.record(job, "succeeded", {"model": job.model_name})

    async def fail(self, job: Job) -> None:
        _end(job, JobState.FAILED)
        await self._delete_reserved_model(job)
        error = job.error or {}
        await self.record(job, "failed", {"code": error["code"], "detail": error["detail"]})

    async def cancel(self, job: Job) -> None:
        _end(job, JobState.CANCELLED)
        await self._delete_reserved_model(job)
        await self.record(job, "cancelled")

    async def holds_to_extend(self, within: timedelta, limit: int) -> Sequence[Job]:
        """Live jobs whose hold ends soon."""
        chosen = (
            select(Job)
            .where(Job.state.in_(LIVE), Job.cancel_requested_at.is_(None))
            .where(Job.hold_until < func.now() + within)
            .limit(limit)
        )
        return (await self._session.scalars(chosen)).all()

    async def set_hold_ends(self, job_ids: Sequence[int], until: datetime) -> None:
        await self._session.execute(update(Job).where(Job.id.in_(job_ids)).values(hold_until=until))

    def _long_has_room(self, slots: int, *others: ColumnElement[bool]) -> ColumnElement[bool]:
        """A cluster of one worker reserves none."""
        return _workers_in_use(Job.duration != Duration.SHORT, *others) < max(1, slots - self._reserved)

    async def _lock_claims(self) -> None:
        """Serialize claims of all replicas; two at once would count the same worker as free."""
        await self._session.execute(text(f"SELECT pg_advisory_xact_lock({CLAIM_LOCK})"))

    async def _start(self, job: Job) -> None:
        outcome_known = job.result is not None or job.error is not None
        is_first = False
        if not outcome_known and job.cancel_requested_at is None:
            job.attempts += 1
            is_first = job.attempts == 1
            announced: dict[str, object] = {}
            if job.state == JobState.RUNNING and job.attempts <= MAX_ATTEMPTS:
                again = retry(job.attempts - 1, "the service that ran it was lost")
                job.stage, job.percent = again.stage, 0
                announced = {"percent": 0, **again.to_json()}
            await self.record(job, "started", {"attempt": job.attempts, **announced})
        job.state, job.lease, job.workers = JobState.RUNNING, uuid4(), 1
        job.lease_until = func.now() + self._length
        # A job that has made room starts anew.
        job.started_at = func.now() if is_first else func.coalesce(Job.started_at, func.now())
        await self._session.flush()
        await self._session.refresh(job)

    async def _publish_model(self, job: Job) -> None:
        result = job.result or {}
        values = {name: result[name] for name in ("artefact", "files", "size_bytes", "description")}
        # A comparison determines the type of its model.
        values["model_type"] = result["description"]["model_type"]
        published = update(Model).where(Model.job_id == job.id)
        await self._session.execute(published.values(**values, ready_at=func.now()))

    async def _delete_reserved_model(self, job: Job) -> None:
        await self._session.execute(delete(Model).where(Model.job_id == job.id, Model.ready_at.is_(None)))


async def renew_lease(connection: asyncpg.Connection, job_id: int, lease: UUID, length: timedelta) -> bool:
    """Returns whether the job's owner has cancelled it. Raises LeaseLost."""
    cancelled: bool | None = await connection.fetchval(RENEW, job_id, lease, length)
    if cancelled is None:
        raise LeaseLost
    return cancelled


def _end(job: Job, state: JobState) -> None:
    job.state, job.lease, job.lease_until = state, None, None
    job.ended_at = func.now()


def _is_leased() -> ColumnElement[bool]:
    return and_(Job.state == JobState.RUNNING, Job.lease_until >= func.now())


def _workers_by(owner: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> Subquery:
    """Running jobs and their workers of each user or group."""
    return (
        select(owner, func.count().label("jobs"), func.sum(Job.workers).label("workers"))
        .where(_is_leased())
        .group_by(owner)
        .subquery()
    )


def _workers_in_use(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    used = select(func.coalesce(func.sum(Job.workers), 0)).where(_is_leased(), *conditions)
    # A subquery of its own: it must not refer to the rows of the query around it.
    return used.correlate(None).scalar_subquery()


def _is_claimable() -> ColumnElement[bool]:
    return or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= func.now()),
        and_(Job.state == JobState.RUNNING, Job.lease_until < func.now()),
    )


def _needs_no_worker() -> ColumnElement[bool]:
    return or_(Job.cancel_requested_at.is_not(None), Job.result.is_not(None), Job.error.is_not(None))
