"""Models in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.base import Json
from ml_service.models.models import Model


@dataclass(frozen=True, slots=True)
class StoredModel:
    """All that predicting needs to know of a model."""

    id: int
    name: str
    artefact: str
    files: Json
    size_bytes: int


class ModelRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def reserve(self, user_id: UserId, job_id: int, name: str, model_type: str) -> bool:
        """False when the name is taken; a twin that is not committed yet is waited for."""
        statement = (
            insert(Model)
            .values(user_id=user_id, job_id=job_id, name=name, model_type=model_type)
            .on_conflict_do_nothing(index_elements=[Model.name])
            .returning(Model.id)
        )
        return (await self._session.execute(statement)).first() is not None

    async def find(self, user_id: UserId, name: str) -> Model | None:
        chosen = select(Model).where(Model.name == name, Model.user_id == user_id)
        return await self._session.scalar(chosen.where(Model.ready_at.is_not(None)))

    async def find_newest(self, user_id: UserId, model_type: str) -> Model | None:
        chosen = select(Model).where(Model.user_id == user_id, Model.model_type == model_type)
        newest = chosen.where(Model.ready_at.is_not(None)).order_by(Model.id.desc()).limit(1)
        return await self._session.scalar(newest)

    async def find_digests(self, artefact: str | None) -> Json | None:
        """Of the files of the model that this artefact is, while there is one."""
        return await self._session.scalar(select(Model.files).where(Model.artefact == artefact))

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Model]:
        chosen = select(Model).where(Model.user_id == user_id, Model.ready_at.is_not(None))
        ordered = chosen.where(Model.id < page.before).order_by(Model.id.desc())
        return (await self._session.scalars(ordered.limit(page.fetch))).all()

    async def list_all(self, user_id: UserId) -> Sequence[Model]:
        """Newest first."""
        chosen = select(Model).where(Model.user_id == user_id, Model.ready_at.is_not(None))
        return (await self._session.scalars(chosen.order_by(Model.id.desc()))).all()

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        """Newest first."""
        chosen = select(Model.name).where(Model.user_id == user_id, Model.ready_at.is_not(None))
        return (await self._session.scalars(chosen.order_by(Model.id.desc()))).all()

    async def delete(self, model: Model) -> None:
        await self._session.execute(delete(Model).where(Model.id == model.id))
