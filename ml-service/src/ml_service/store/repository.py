"""Queries about the store: whose it is, which of its files rows name, and how much each user stores."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.orm import Dataset, Job, Model, StoreOwner, first_answers

UPLOADS_LOCK = func.hashtextextended("uploads", 0)


class StoreRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def share_uploads(self) -> None:
        """Until the transaction ends, no sweeper deletes an upload without a row."""
        await self._session.execute(select(func.pg_advisory_xact_lock_shared(UPLOADS_LOCK)))

    async def lock_uploads(self) -> None:
        """Wait for transactions that add the row of an upload, and keep out others until this one ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(UPLOADS_LOCK)))

    async def is_answered(self, user_id: UserId, key: str) -> bool:
        """Whether an answer is stored for this Idempotency-Key."""
        columns = first_answers.c
        of_key = (columns.scope == str(user_id)) & (columns.key == key) & columns.answer.is_not(None)
        return (await self._session.execute(select(columns.key).where(of_key))).first() is not None

    async def owner(self) -> UUID:
        return (await self._session.execute(select(StoreOwner.owner))).scalar_one()

    async def knows_any(self, uploads: Sequence[str], artefacts: Mapping[str, int]) -> bool:
        """Whether rows name one of these uploads, whose names are random, or of these artefacts by size."""
        datasets = select(Dataset.id).where(Dataset.location == _any_of(uploads)).limit(1)
        if (await self._session.execute(datasets)).first() is not None:
            return True
        models = select(Model.artefact, Model.size_bytes).where(Model.artefact == _any_of([*artefacts]))
        rows = await self._session.execute(models)
        return any(artefacts[row.artefact] == row.size_bytes for row in rows)

    async def stored_bytes(self, user_id: UserId, retention: timedelta) -> int:
        """The bytes of a user's datasets with their copies, of models, and of results that are kept."""
        datasets = select(func.sum(Dataset.size_bytes + Dataset.copy_bytes))
        models = select(func.sum(Model.size_bytes))
        parts = (
            datasets.where(Dataset.user_id == user_id),
            models.where(Model.user_id == user_id),
            _results_of_jobs(user_id, retention),
            _results_of_answers(user_id),
        )
        total: ColumnElement[int] = sum(
            (func.coalesce(part.scalar_subquery(), 0) for part in parts[1:]),
            func.coalesce(parts[0].scalar_subquery(), 0),
        )
        return int(await self._session.scalar(select(total)) or 0)


def _any_of(names: Sequence[str]) -> ColumnElement[bool]:
    """One parameter, however many names."""
    return any_(bindparam(None, names, ARRAY(Text)))


def _results_of_jobs(user_id: UserId, retention: timedelta) -> Select[int]:
    size = cast(Job.result["size_bytes"].astext, BigInteger)
    stored = or_(Job.ended_at.is_(None), Job.ended_at > func.now() - retention)
    statement = select(func.sum(size)).where(Job.user_id == user_id, Job.kind == "batch", stored)
    return statement.where(Job.result.is_not(None))


def _results_of_answers(user_id: UserId) -> Select[int]:
    """Answers with a file state its size."""
    answer = cast(func.convert_from(first_answers.c.answer, "UTF8"), JSONB)
    size = cast(answer["size_bytes"].astext, BigInteger)
    of_user = first_answers.c.scope == str(user_id)
    return select(func.sum(size)).where(of_user, first_answers.c.location.is_not(None))
