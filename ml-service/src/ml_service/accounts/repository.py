"""What a user owns, all of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.base import DeletedUser, first_answers
from ml_service.datasets.models import Dataset
from ml_service.jobs.models import Job
from ml_service.jobs.repository import CHANNEL
from ml_service.jobs.rules import LIVE
from ml_service.models.models import Model


@dataclass(frozen=True, slots=True)
class Erased:
    """The ids of the models and the keys of the files that have no row any more."""

    models: Sequence[int]
    files: Sequence[str]


class AccountRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def mark_departed(self, user_id: UserId) -> None:
        await self._session.execute(insert(DeletedUser).values(user_id=user_id).on_conflict_do_nothing())

    async def erase_departed(self) -> Erased:
        """Cancel what still runs for users who are gone and delete the rest.

        A running job's row and its model's go when it has ended, at a later call.
        """
        gone = select(DeletedUser.user_id).scalar_subquery()
        cancelled = update(Job).where(Job.user_id.in_(gone), Job.state.in_(LIVE))
        stopped = cancelled.where(Job.cancel_requested_at.is_(None), Job.result.is_(None))
        jobs = await self._session.scalars(stopped.values(cancel_requested_at=func.now()).returning(Job.id))
        for job_id in jobs.all():
            await self._session.execute(select(func.pg_notify(CHANNEL, str(job_id))))
        models = delete(Model).where(Model.user_id.in_(gone), Model.ready_at.is_not(None))
        forgotten = (await self._session.scalars(models.returning(Model.id))).all()
        ended = delete(Job).where(Job.user_id.in_(gone), Job.state.not_in(LIVE))
        made = (await self._session.scalars(ended.returning(Job.result["location"].astext))).all()
        datasets = delete(Dataset).where(Dataset.user_id.in_(gone)).returning(Dataset.location)
        uploads = (await self._session.scalars(datasets)).all()
        scopes = select(cast(DeletedUser.user_id, Text))
        answers = delete(first_answers).where(first_answers.c.scope.in_(scopes))
        results = [*made, *(await self._session.scalars(answers.returning(first_answers.c.location))).all()]
        return Erased(forgotten, [*uploads, *(each for each in results if each is not None)])
