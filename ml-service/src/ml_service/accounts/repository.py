"""Queries across all data of a user: its deletion, and the files that rows refer to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ScalarSelect, String, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.challenge_orm import ChallengePart, Member, Submission
from ml_service.jobs.repository import CHANNEL
from ml_service.jobs.rules import LIVE, JobKind
from ml_service.orm import Dataset, DeletedUser, Job, Model, first_answers
from ml_service.store.files import COPY_SUFFIX
from ml_service.store.outputs import ARTEFACTS, SEALED

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

        A later call deletes the rows of a running job, of its dataset and of its model, once the job has
        ended, and rows that another transaction has locked.
        """
        users = select(DeletedUser.user_id).scalar_subquery()
        await self._cancel_live_jobs(users)
        await self._leave_groups(users)
        models = delete(Model).where(Model.user_id.in_(users), Model.ready_at.is_not(None))
        deleted = (await self._session.execute(models.returning(Model.id, Model.artefact))).all()
        ended = delete(Job).where(Job.user_id.in_(users), Job.state.not_in(LIVE)).returning(RESULT)
        scopes = select(cast(DeletedUser.user_id, String)).scalar_subquery()
        answers = delete(first_answers).where(first_answers.c.scope.in_(scopes))
        results = [
            *(await self._session.scalars(ended)).all(),
            *(await self._session.scalars(answers.returning(first_answers.c.location))).all(),
        ]
        files = [
            *(f"{ARTEFACTS}/{row.artefact}" for row in deleted),
            *(key for key in results if key is not None),
            *await self._delete_datasets(users),
        ]
        return DeletedRows([row.id for row in deleted], files)

    async def _cancel_live_jobs(self, users: ScalarSelect[int]) -> None:
        live = select(Job.id).where(Job.user_id.in_(users), Job.state.in_(LIVE))
        cancellable = live.where(Job.cancel_requested_at.is_(None), Job.result.is_(None))
        free = (await self._session.scalars(cancellable.with_for_update(skip_locked=True))).all()
        cancel = update(Job).where(Job.id.in_(free)).values(cancel_requested_at=func.now())
        for job_id in (await self._session.scalars(cancel.returning(Job.id))).all():
            await self._session.execute(select(func.pg_notify(CHANNEL, str(job_id))))

    async def _leave_groups(self, users: ScalarSelect[int]) -> None:
        """End memberships; submissions stay on the boards, without files and names of models."""
        await self._session.execute(delete(Member).where(Member.user_id.in_(users)))
        anonymous = {"model_name": None, "artefact": None, "files": None}
        kept = update(Submission).where(Submission.user_id.in_(users), Submission.state != "accepted")
        await self._session.execute(kept.where(Submission.artefact.is_not(None)).values(anonymous))

    async def _delete_datasets(self, users: ScalarSelect[int]) -> Sequence[str]:
        """Delete the datasets that no live job uses; returns the keys of their files."""
        chosen = select(Dataset.id).where(Dataset.user_id.in_(users))
        # Locked before the jobs are read: the insertion of a job has a lock on its dataset.
        free = (await self._session.scalars(chosen.with_for_update(skip_locked=True))).all()
        used = select(Job.dataset_id).where(Job.dataset_id == Dataset.id, Job.state.in_(LIVE))
        unused = delete(Dataset).where(Dataset.id.in_(free), ~used.exists())
        uploads = (await self._session.scalars(unused.returning(Dataset.location))).all()
        return [key + suffix for key in uploads for suffix in ("", COPY_SUFFIX)]


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
        models = await self._session.scalars(select(Model.artefact))
        submitted = await self._session.scalars(select(Submission.artefact))
        return {f"{ARTEFACTS}/{name}" for name in (*models, *submitted) if name is not None}

    async def sealed(self) -> set[str]:
        return set((await self._session.scalars(select(ChallengePart.location))).all())

    async def required(self, folder: str) -> set[str]:
        """Uploads or artefacts without which a dataset or a model is lost; copies can be made again."""
        if folder == SEALED:
            return await self.sealed()
        if folder == ARTEFACTS:
            models = await self._session.scalars(select(Model.artefact).where(Model.ready_at.is_not(None)))
            return {f"{ARTEFACTS}/{name}" for name in models if name is not None}
        return set((await self._session.scalars(select(Dataset.location))).all())

    async def results(self, retention: timedelta) -> set[str]:
        """Results of stored answers, and of jobs until the retention after their end."""
        answers = await self._session.scalars(select(first_answers.c.location))
        statement = select(RESULT).where(Job.kind == JobKind.BATCH, Job.ended_at > func.now() - retention)
        jobs = await self._session.scalars(statement)
        return {location for location in (*answers, *jobs) if location is not None}

    async def ended_jobs(self, ids: Collection[int]) -> set[int]:
        statement = select(Job.id).where(Job.id.in_(ids), Job.state.not_in(LIVE))
        return set((await self._session.scalars(statement)).all())

    async def live_jobs(self) -> set[int]:
        return set((await self._session.scalars(select(Job.id).where(Job.state.in_(LIVE)))).all())
