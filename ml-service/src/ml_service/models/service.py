"""Finds, lists and deletes trained models."""

from collections.abc import Sequence

import structlog

from kit.database import Database
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.errors import ModelNotFound
from ml_service.learning.model_types import MODEL_TYPES
from ml_service.models.models import Model
from ml_service.models.repository import ModelRepository
from ml_service.models.rules import is_a_name
from ml_service.predictions.registry import ModelRegistry
from ml_service.store.artefacts import Artefacts

log = structlog.stdlib.get_logger()


class ModelService:
    def __init__(self, database: Database, artefacts: Artefacts, registry: ModelRegistry) -> None:
        self._database, self._artefacts, self._registry = database, artefacts, registry

    async def get(self, user_id: UserId, name: str) -> Model:
        async with self._database.read() as session:
            model = await ModelRepository(session).find(user_id, name) if is_a_name(name) else None
        if model is None:
            raise ModelNotFound
        return model

    async def resolve(self, user_id: UserId, name: str) -> str:
        """The name itself, or for a type's name that of the newest model of the type."""
        if name not in MODEL_TYPES:
            return name
        async with self._database.read() as session:
            newest = await ModelRepository(session).find_newest(user_id, name)
        if newest is None:
            raise ModelNotFound
        return newest.name

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Model]:
        async with self._database.read() as session:
            return await ModelRepository(session).list_page(user_id, page)

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        async with self._database.read() as session:
            return await ModelRepository(session).list_names(user_id)

    async def delete(self, user_id: UserId, name: str) -> None:
        async with self._database.transaction() as session:
            repository = ModelRepository(session)
            model = await repository.find(user_id, name) if is_a_name(name) else None
            if model is None or model.artefact is None:
                raise ModelNotFound
            await repository.delete(model)
        # Should we die here, the sweeper finds an artefact without a row.
        self._registry.forget(model.id)
        await self._artefacts.discard(model.artefact)
        log.info("model_deleted", user=user_id, model=name)
