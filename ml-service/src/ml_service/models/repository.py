"""Queries of models."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.challenge_orm import Submission
from ml_service.learning.predictors.artefacts import recorded_sizes
from ml_service.orm import Job, Model

# Of a list without pages; 1 MB.
MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The columns of a model that a prediction needs."""

    id: int
    name: str
    artefact: str
    files: Json
    size_bytes: int

    @property
    def loaded_bytes(self) -> int:
        """The memory of the loaded model, or the size of its files if that was not recorded or is larger."""
        return max(self.size_bytes, recorded_sizes(self.files).loaded)


class ModelRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def reserve(self, job: Job) -> bool:
        """Reserve the name of the job's model; false if it is taken.

        Waits for a concurrent transaction with the same name.
        """
        statement = (
            insert(Model)
            .values(
                user_id=job.user_id,
                job_id=job.id,
                name=job.model_name,
                model_type=job.model_type,
                challenge_id=job.challenge_id,
            )
            .on_conflict_do_nothing(index_elements=[Model.name])
            .returning(Model.id)
        )
        return (await self._session.execute(statement)).first() is not None

    async def find(self, user_id: UserId, name: str) -> Model | None:
        return await self._session.scalar(_ready(user_id).where(Model.name == name))

    async def lock_artefact(self, model_id: int) -> bool:
        """Whether the model is still there; its deletion waits until the transaction ends."""
        statement = select(Model.id).where(Model.id == model_id).with_for_update(read=True, key_share=True)
        return await self._session.scalar(statement) is not None

    async def is_submitted(self, artefact: str) -> bool:
        """Whether a submission keeps this artefact."""
        submitted = select(Submission.id).where(Submission.artefact == artefact).limit(1)
        return (await self._session.execute(submitted)).first() is not None

    async def find_stored(self, user_id: UserId, name: str) -> StoredModel | None:
        statement = select(Model.id, Model.name, Model.artefact, Model.files, Model.size_bytes)
        found = statement.where(Model.name == name, Model.user_id == user_id, Model.ready_at.is_not(None))
        row = (await self._session.execute(found)).first()
        return None if row is None else StoredModel(row.id, row.name, row.artefact, row.files, row.size_bytes)

    async def find_newest_name(self, user_id: UserId, model_type: str) -> str | None:
        statement = select(Model.name).where(
            Model.user_id == user_id, Model.model_type == model_type, Model.ready_at.is_not(None)
        )
        return await self._session.scalar(statement.order_by(Model.id.desc()).limit(1))

    async def find_digests(self, artefact: str | None) -> Json | None:
        """The SHA-256 of each file of an artefact; None once its model is deleted."""
        return await self._session.scalar(select(Model.files).where(Model.artefact == artefact))

    async def count_within(self, user_id: UserId, page: PageRequest, limit: int) -> int:
        """The number of models of a page, at least one, whose descriptions fit into `limit` bytes."""
        size = func.pg_column_size(Model.description)
        total = func.sum(size).over(order_by=Model.id.desc()).label("total")
        sizes = (
            select(total)
            .where(Model.user_id == user_id, Model.ready_at.is_not(None), Model.id < page.before)
            .order_by(Model.id.desc())
            .limit(page.size)
            .subquery()
        )
        statement = select(func.count()).select_from(sizes).where(sizes.c.total <= limit)
        return max(1, await self._session.scalar(statement) or 0)

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Model]:
        statement = _ready(user_id).where(Model.id < page.before).order_by(Model.id.desc())
        return (await self._session.scalars(statement.limit(page.fetch))).all()

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        """The newest of them, newest first."""
        statement = select(Model.name).where(Model.user_id == user_id, Model.ready_at.is_not(None))
        return (await self._session.scalars(statement.order_by(Model.id.desc()).limit(MOST_NAMES))).all()

    async def delete(self, model: Model) -> None:
        await self._session.execute(delete(Model).where(Model.id == model.id))


def _ready(user_id: UserId) -> Select[Model]:
    return select(Model).where(Model.user_id == user_id, Model.ready_at.is_not(None))
