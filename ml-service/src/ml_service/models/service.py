"""Trained models and their reports."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from kit.database import Database, Json
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.errors import ModelNotFound
from ml_service.learning.model_types import MODEL_TYPES
from ml_service.learning.predictors import read_report
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.models.model_cache import ModelCache, ModelLookup
from ml_service.models.repository import ModelRepository
from ml_service.models.rules import is_model_name
from ml_service.orm import Model
from ml_service.store.files import Files
from ml_service.store.outputs import Artefacts
from ml_service.store.process_pool import ProcessPool

log = structlog.stdlib.get_logger()


class ModelService:
    def __init__(
        self, database: Database, artefacts: Artefacts, lookup: ModelLookup, model_cache: ModelCache
    ) -> None:
        self._database, self._artefacts = database, artefacts
        self._lookup, self._model_cache = lookup, model_cache

    async def get(self, user_id: UserId, name: str) -> Model:
        async with self._database.read() as session:
            model = await ModelRepository(session).find(user_id, name) if is_model_name(name) else None
        if model is None:
            raise ModelNotFound
        return model

    async def resolve_name(self, user_id: UserId, name: str) -> str:
        """Resolve the name of a model type to the user's newest model of that type; keep other names."""
        if name not in MODEL_TYPES:
            return name
        newest = await self._lookup.find_newest(user_id, name)
        if newest is None:
            raise ModelNotFound
        return newest

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Model]:
        async with self._database.read() as session:
            return await ModelRepository(session).list_page(user_id, page)

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        async with self._database.read() as session:
            return await ModelRepository(session).list_names(user_id)

    async def delete(self, user_id: UserId, name: str) -> None:
        async with self._database.transaction() as session:
            repository = ModelRepository(session)
            model = await repository.find(user_id, name) if is_model_name(name) else None
            if model is None or model.artefact is None:
                raise ModelNotFound
            await repository.delete(model)
        # After a crash at this point, the sweeper deletes the artefact without a row.
        self._lookup.forget(user_id)
        self._model_cache.forget(model.id)
        await self._artefacts.discard(model.artefact)
        log.info("model_deleted", user=user_id, model=name)

    def notice_new(self, user_id: UserId) -> None:
        """Let the next request find a new model, even if it precedes the notification."""
        self._lookup.forget(user_id)


class ReportService:
    def __init__(self, files: Files, artefacts: Artefacts, readers: ProcessPool) -> None:
        self._files, self._artefacts, self._readers = files, artefacts, readers

    async def get(self, model: Model) -> Json:
        report = await asyncio.to_thread(self._read, model)
        created_at = (model.ready_at or model.created_at).isoformat()
        return complete_report(report, model.name, created_at, (model.description or {}).get("leaderboard"))

    async def render(self, model: Model) -> str:
        """The report as an HTML page.

        Rendered in a reader process: the charts take some tenths of a second.
        """
        return await self._readers.run(render_page, await self.get(model), user=UserId(model.user_id))

    def _read(self, model: Model) -> Json:
        if model.artefact is None or model.files is None:
            raise ModelNotFound
        with self._files.on_disk(self._artefacts.key(model.artefact)) as folder:
            return read_report(Path(folder), model.files)
