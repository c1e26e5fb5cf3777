"""Queries across all data of a user: its deletion, and the files that rows refer to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ScalarSelect, String, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.jobs.repository import CHANNEL
from ml_service.jobs.rules import LIVE, JobKind
from ml_service.orm import Dataset, DeletedUser, Job, Model, first_answers
from ml_service.store.files import COPY_SUFFIX

RESULT = Job.result["location"].astext


@dataclass(frozen=True, slots=True)
class DeletedRows:
    """Ids of deleted models, and keys of files without a row."""

    models: Sequence[int]
    files: Sequence[str]


class AccountRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def mark_deleted(self, user_id: UserId) -> None:
        await self._session.execute(insert(DeletedUser).values(user_id=user_id).on_conflict_do_nothing())

    async def delete_rows_of_deleted_users(self) -> DeletedRows:
        """Cancel the live jobs of deleted users and delete their other rows.

        A later call deletes the rows of a running job and of its model, once the job has ended.
        """
        users = select(DeletedUser.user_id).scalar_subquery()
        await self._cancel_live_jobs(users)
        models = delete(Model).where(Model.user_id.in_(users), Model.ready_at.is_not(None))
        model_ids = (await self._session.scalars(models.returning(Model.id))).all()
        ended = delete(Job).where(Job.user_id.in_(users), Job.state.not_in(LIVE)).returning(RESULT)
        datasets = delete(Dataset).where(Dataset.user_id.in_(users)).returning(Dataset.location)
        scopes = select(cast(DeletedUser.user_id, String)).scalar_subquery()
        answers = delete(first_answers).where(first_answers.c.scope.in_(scopes))
        uploads = (await self._session.scalars(datasets)).all()
        results = [
            *(await self._session.scalars(ended)).all(),
            *(await self._session.scalars(answers.returning(first_answers.c.location))).all(),
        ]
        copies = (key + COPY_SUFFIX for key in uploads)
        return DeletedRows(model_ids, [*uploads, *copies, *(key for key in results if key is not None)])

    async def _cancel_live_jobs(self, users: ScalarSelect[int]) -> None:
        live = update(Job).where(Job.user_id.in_(users), Job.state.in_(LIVE))
        cancellable = live.where(Job.cancel_requested_at.is_(None), Job.result.is_(None))
        statement = cancellable.values(cancel_requested_at=func.now()).returning(Job.id)
        for job_id in (await self._session.scalars(statement)).all():
            await self._session.execute(select(func.pg_notify(CHANNEL, str(job_id))))


class NeededFiles:
    """Queries of the files in the store that rows refer to."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def uploads(self) -> set[str]:
        datasets = (await self._session.scalars(select(Dataset.location))).all()
        copies = (location + COPY_SUFFIX for location in datasets)
        jobs = await self._session.scalars(select(Job.location).where(Job.state.in_(LIVE)))
        return {*datasets, *copies, *(location for location in jobs if location is not None)}

    async def artefacts(self) -> set[str]:
        names = await self._session.scalars(select(Model.artefact))
        return {name for name in names if name is not None}

    async def results(self, retention: timedelta) -> set[str]:
        """Results of stored answers, and of jobs until the retention after their end."""
        answers = await self._session.scalars(select(first_answers.c.location))
        statement = select(RESULT).where(Job.kind == JobKind.BATCH, Job.ended_at > func.now() - retention)
        jobs = await self._session.scalars(statement)
        return {location for location in (*answers, *jobs) if location is not None}

    async def live_jobs(self) -> set[int]:
        return set((await self._session.scalars(select(Job.id).where(Job.state.in_(LIVE)))).all())
