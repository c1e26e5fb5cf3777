"""Jobs as those who carry them out see them: claimed under a lease, renewed, concluded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from ml_service.billing.port import Receipt
from ml_service.jobs.models import Job
from ml_service.jobs.repository import HappenedEvent, JobRepository
from ml_service.jobs.rules import LIVE, JobKind, JobState
from ml_service.models.models import Model

ONE_CLAIM_AT_A_TIME = 0x6D6C_6A6F_6273


class LeaseLost(Exception):
    """Another replica has claimed the job; whatever we still do for it must have no effect."""


@dataclass(frozen=True, slots=True)
class Renewal:
    cancel_requested: bool


class LeaseRepository:
    def __init__(self, session: AsyncSession, lease_seconds: float) -> None:
        self._session, self._length = session, timedelta(seconds=lease_seconds)
        self._history = JobRepository(session)

    async def claim(self, slots: int, most_of_a_user: int) -> Job | None:
        """The next job that nobody carries out: that of who uses fewest workers, then the oldest.

        One that needs a worker only while there is a free one, and while its user has not too many running.
        """
        await self._session.execute(text(f"SELECT pg_advisory_xact_lock({ONE_CLAIM_AT_A_TIME})"))
        users = (
            select(Job.user_id, func.count().label("jobs"), func.sum(Job.workers).label("workers"))
            .where(_is_carried_out())
            .group_by(Job.user_id)
            .subquery()
        )
        has_room = and_(_busy() < slots, func.coalesce(users.c.jobs, 0) < most_of_a_user)
        chosen = (
            select(Job)
            .outerjoin(users, users.c.user_id == Job.user_id)
            .where(_is_free(), or_(_needs_no_worker(), has_room))
            .order_by(_needs_no_worker().desc(), func.coalesce(users.c.workers, 0), Job.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=Job)
        )
        job = await self._session.scalar(chosen)
        if job is not None:
            await self._take(job)
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

    async def get_mine(self, job_id: int, lease: UUID) -> Job:
        """Locked until the transaction ends. Raises LeaseLost."""
        chosen = select(Job).where(Job.id == job_id, Job.lease == lease).with_for_update()
        job = await self._session.scalar(chosen)
        if job is None:
            raise LeaseLost
        return job

    async def take_worker(self, job_id: int, lease: UUID, slots: int) -> bool:
        """One more worker for this job, if one is free and no other job waits for it. Raises LeaseLost."""
        await self._session.execute(text(f"SELECT pg_advisory_xact_lock({ONE_CLAIM_AT_A_TIME})"))
        job = await self.get_mine(job_id, lease)
        waits = select(Job.id).where(Job.state == JobState.QUEUED, Job.run_after <= func.now()).exists()
        may = await self._session.scalar(select(and_(_busy() < slots, ~waits)))
        job.workers += 1 if may else 0
        return bool(may)

    async def keep_workers(self, job_id: int, lease: UUID, count: int) -> bool:
        """This job uses no more than so many now. Raises LeaseLost."""
        (await self.get_mine(job_id, lease)).workers = count
        return True

    async def hand_back(self, job: Job, after_seconds: float) -> None:
        job.state, job.lease, job.lease_until = JobState.QUEUED, None, None
        job.stage, job.percent = None, 0
        job.run_after = func.now() + timedelta(seconds=after_seconds)
        await self._history.record(job.id, HappenedEvent("requeued", {"attempts": job.attempts}))

    async def record(self, job: Job, event: HappenedEvent) -> None:
        await self._history.record(job.id, event)

    async def succeed(self, job: Job, receipt: Receipt) -> None:
        """The job ends and the model that it made appears, both or neither."""
        job.tokens_charged, job.receipt_id, job.percent = receipt.tokens, receipt.id, 100
        job.balance_after = receipt.available
        _leave(job, JobState.SUCCEEDED)
        if job.kind == JobKind.TRAIN:
            await self._show_model(job)
        await self._history.record(job.id, HappenedEvent("succeeded", {"model": job.model_name}))

    async def fail(self, job: Job) -> None:
        _leave(job, JobState.FAILED)
        await self._forget_model(job)
        error = job.error or {}
        told = {"code": error["code"], "detail": error["detail"]}
        await self._history.record(job.id, HappenedEvent("failed", told))

    async def cancel(self, job: Job) -> None:
        _leave(job, JobState.CANCELLED)
        await self._forget_model(job)
        await self._history.record(job.id, HappenedEvent("cancelled", {}))

    async def holds_to_extend(self, within: timedelta, limit: int) -> Sequence[Job]:
        """Live jobs whose hold ends soon."""
        chosen = (
            select(Job)
            .where(Job.state.in_(LIVE), Job.cancel_requested_at.is_(None))
            .where(Job.hold_until < func.now() + within)
            .limit(limit)
        )
        return (await self._session.scalars(chosen)).all()

    async def note_holds(self, job_ids: Sequence[int], until: datetime) -> None:
        """The holds of these jobs last until then."""
        await self._session.execute(update(Job).where(Job.id.in_(job_ids)).values(hold_until=until))

    async def _take(self, job: Job) -> None:
        outcome_known = job.result is not None or job.error is not None
        if not outcome_known and job.cancel_requested_at is None:
            job.attempts += 1
            await self._history.record(job.id, HappenedEvent("started", {"attempt": job.attempts}))
        job.state, job.lease, job.workers = JobState.RUNNING, uuid4(), 1
        job.lease_until = func.now() + self._length
        job.started_at = func.coalesce(Job.started_at, func.now())
        await self._session.flush()
        await self._session.refresh(job)

    async def _show_model(self, job: Job) -> None:
        result = job.result or {}
        values = {name: result[name] for name in ("artefact", "files", "size_bytes", "description")}
        # What a comparison makes has a type only now.
        values["model_type"] = result["description"]["model_type"]
        shown = update(Model).where(Model.job_id == job.id)
        await self._session.execute(shown.values(**values, ready_at=func.now()))

    async def _forget_model(self, job: Job) -> None:
        await self._session.execute(delete(Model).where(Model.job_id == job.id, Model.ready_at.is_(None)))


def _leave(job: Job, state: JobState) -> None:
    job.state, job.lease, job.lease_until = state, None, None
    job.ended_at = func.now()


def _is_carried_out() -> ColumnElement[bool]:
    return and_(Job.state == JobState.RUNNING, Job.lease_until >= func.now())


def _busy() -> ColumnElement[int]:
    """How many workers are in use."""
    return select(func.coalesce(func.sum(Job.workers), 0)).where(_is_carried_out()).scalar_subquery()


def _is_free() -> ColumnElement[bool]:
    return or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= func.now()),
        and_(Job.state == JobState.RUNNING, Job.lease_until < func.now()),
    )


def _needs_no_worker() -> ColumnElement[bool]:
    return or_(Job.cancel_requested_at.is_not(None), Job.result.is_not(None), Job.error.is_not(None))
