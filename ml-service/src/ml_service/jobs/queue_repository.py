"""Jobs that wait and run, whoever's they are, and what jobs like them took."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from ml_service.jobs.models import Job
from ml_service.jobs.queue_rules import LiveJob, Nature, PastJob
from ml_service.jobs.rules import LIVE, JobState

LOOKED_BACK = 200


class QueueRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def live(self) -> Sequence[LiveJob]:
        now = datetime.now(UTC)
        chosen = select(
            Job.id, Job.user_id, Job.kind, Job.model_type, Job.rows, Job.state, Job.workers, Job.started_at
        ).where(Job.state.in_(LIVE))
        return [
            LiveJob(
                row.id,
                row.user_id,
                Nature(row.kind, row.model_type, row.rows),
                row.workers,
                (now - row.started_at).total_seconds() if row.state is JobState.RUNNING else None,
            )
            for row in await self._session.execute(chosen)
        ]

    async def past(self) -> Sequence[PastJob]:
        """The newest that succeeded of each kind and type that is live."""
        alive = select(Job.kind, Job.model_type).where(Job.state.in_(LIVE)).distinct().subquery()
        seconds = func.extract("epoch", Job.ended_at - Job.started_at).label("seconds")
        newest = (
            select(Job.rows, seconds)
            .where(Job.state == JobState.SUCCEEDED)
            .where(Job.kind == alive.c.kind, Job.model_type == alive.c.model_type)
            .order_by(Job.id.desc())
            .limit(LOOKED_BACK)
            .lateral()
        )
        found = select(alive, newest).join_from(alive, newest, true())
        return [
            PastJob(Nature(row.kind, row.model_type, row.rows), float(row.seconds))
            for row in await self._session.execute(found)
        ]
