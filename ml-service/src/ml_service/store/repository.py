"""Which bytes in the store somebody still needs."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ml_service.base import first_answers
from ml_service.datasets.models import Dataset
from ml_service.jobs.models import Job
from ml_service.jobs.rules import LIVE, JobKind
from ml_service.models.models import Model

RESULT = Job.result["location"].astext


class NeededRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def uploads(self) -> set[str]:
        datasets = await self._session.scalars(select(Dataset.location))
        jobs = await self._session.scalars(select(Job.location).where(Job.state.in_(LIVE)))
        return {*datasets, *(location for location in jobs if location is not None)}

    async def artefacts(self) -> set[str]:
        names = await self._session.scalars(select(Model.artefact))
        return {name for name in names if name is not None}

    async def results(self, kept: timedelta) -> set[str]:
        """Those of answers, and of jobs for so long after their end."""
        answers = await self._session.scalars(select(first_answers.c.location))
        chosen = select(RESULT).where(Job.kind == JobKind.BATCH, Job.ended_at > func.now() - kept)
        jobs = await self._session.scalars(chosen)
        return {location for location in (*answers, *jobs) if location is not None}

    async def live_jobs(self) -> set[int]:
        return set((await self._session.scalars(select(Job.id).where(Job.state.in_(LIVE)))).all())
