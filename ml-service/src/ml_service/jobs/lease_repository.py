"""Queries of a replica that runs a job: claim it under a lease, renew, requeue, end.

Every write names the lease, so a replica without the lease has no effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from ml_service.billing.port import Receipt
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import LIVE, JobKind, JobState
from ml_service.orm import Job, Model

CLAIM_LOCK = 0x6D6C_6A6F_6273


class LeaseLost(Exception):
    """Another replica has claimed the job; this one must not change it any more."""


@dataclass(frozen=True, slots=True)
class Renewal:
    cancel_requested: bool


class LeaseRepository:
    def __init__(self, session: AsyncSession, lease_seconds: float) -> None:
        self._session, self._length = session, timedelta(seconds=lease_seconds)
        self._history = JobRepository(session)

    async def claim(self, slots: int, max_per_user: int) -> Job | None:
        """Claim the next job: of the user with the fewest workers, then the oldest.

        A job that needs a worker is claimed only while a worker is free and its user is below the limit.
        """
        await self._lock_claims()
        users = (
            select(Job.user_id, func.count().label("jobs"), func.sum(Job.workers).label("workers"))
            .where(_is_leased())
            .group_by(Job.user_id)
            .subquery()
        )
        has_room = and_(_workers_in_use() < slots, func.coalesce(users.c.jobs, 0) < max_per_user)
        chosen = (
            select(Job)
            .outerjoin(users, users.c.user_id == Job.user_id)
            .where(_is_claimable(), or_(_needs_no_worker(), has_room))
            .order_by(_needs_no_worker().desc(), func.coalesce(users.c.workers, 0), Job.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=Job)
        )
        job = await self._session.scalar(chosen)
        if job is not None:
            await self._start(job)
        return job

    async def renew(self, job_id: int, lease: UUID) -> Renewal:
        """Raises LeaseLost."""
        renewed = (
            update(Job)
            .where(Job.id == job_id, Job.lease == lease)
            .values(lease_until=func.now() + self._length)
            .returning(Job.cancel_requested_at)
        )
        row = (await self._session.execute(renewed)).first()
        if row is None:
            raise LeaseLost
        return Renewal(row.cancel_requested_at is not None)

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
        may = await self._session.scalar(select(and_(_workers_in_use() < slots, ~waits)))
        job.workers += 1 if may else 0
        return bool(may)

    async def set_workers(self, job_id: int, lease: UUID, count: int) -> bool:
        """Raises LeaseLost."""
        (await self.get_leased(job_id, lease)).workers = count
        return True

    async def requeue(self, job: Job, after_seconds: float) -> None:
        job.state, job.lease, job.lease_until = JobState.QUEUED, None, None
        job.stage, job.percent = None, 0
        job.run_after = func.now() + timedelta(seconds=after_seconds)
        await self.record(job, "requeued", {"attempts": job.attempts})

    async def record(self, job: Job, kind: str, data: Mapping[str, object] | None = None) -> None:
        await self._history.record(job.id, kind, data)

    async def succeed(self, job: Job, receipt: Receipt) -> None:
        """End the job and publish its model in the same transaction."""
        job.tokens_charged, job.receipt_id, job.percent = receipt.tokens, receipt.id, 100
        job.balance_after = receipt.available
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

    async def _lock_claims(self) -> None:
        """Serialize claims of all replicas; two at once would count the same worker as free."""
        await self._session.execute(text(f"SELECT pg_advisory_xact_lock({CLAIM_LOCK})"))

    async def _start(self, job: Job) -> None:
        outcome_known = job.result is not None or job.error is not None
        if not outcome_known and job.cancel_requested_at is None:
            job.attempts += 1
            await self.record(job, "started", {"attempt": job.attempts})
        job.state, job.lease, job.workers = JobState.RUNNING, uuid4(), 1
        job.lease_until = func.now() + self._length
        job.started_at = func.coalesce(Job.started_at, func.now())
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


def _end(job: Job, state: JobState) -> None:
    job.state, job.lease, job.lease_until = state, None, None
    job.ended_at = func.now()


def _is_leased() -> ColumnElement[bool]:
    return and_(Job.state == JobState.RUNNING, Job.lease_until >= func.now())


def _workers_in_use() -> ColumnElement[int]:
    return select(func.coalesce(func.sum(Job.workers), 0)).where(_is_leased()).scalar_subquery()


def _is_claimable() -> ColumnElement[bool]:
    return or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= func.now()),
        and_(Job.state == JobState.RUNNING, Job.lease_until < func.now()),
    )


def _needs_no_worker() -> ColumnElement[bool]:
    return or_(Job.cancel_requested_at.is_not(None), Job.result.is_not(None), Job.error.is_not(None))
