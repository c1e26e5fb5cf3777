"""Trained models and their reports."""

from collections.abc import Sequence

import structlog

from kit.database import Database, Json
from kit.fault_points import fault_point
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.errors import ModelNotFound
from ml_service.learning.model_types import MODEL_TYPES
from ml_service.models.model_cache import ModelCache, ModelLookup
from ml_service.models.report_files import ReportSource, load_report, render_report
from ml_service.models.repository import ModelRepository
from ml_service.models.rules import is_model_name
from ml_service.orm import Model
from ml_service.store.outputs import Artefacts
from ml_service.store.process_pool import ProcessPool

# Descriptions in one page of a list, as stored: compressed, to about a quarter.
MOST_LISTED_BYTES = 1024 * 1024
SHOWN_IN_REPORTS = {"verdict", "leaderboard"}

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

    async def list_page(self, user_id: UserId, page: PageRequest) -> tuple[PageRequest, Sequence[Model]]:
        """The models of a page, or of a smaller one if their descriptions are large."""
        async with self._database.read() as session:
            repository = ModelRepository(session)
            page = page.at_most(await repository.count_within(user_id, page, MOST_LISTED_BYTES))
            return page, await repository.list_page(user_id, page)

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        async with self._database.read() as session:
            return await ModelRepository(session).list_names(user_id)

    async def delete(self, user_id: UserId, name: str) -> None:
        async with self._database.transaction_of(user_id) as session:
            repository = ModelRepository(session)
            model = await repository.find(user_id, name) if is_model_name(name) else None
            if model is None or model.artefact is None:
                raise ModelNotFound
            await repository.delete(model)
            # Read after the deletion, for which a submission of the model has made it wait.
            is_submitted = await repository.is_submitted(model.artefact)
        # After a crash at this point, the sweeper deletes the artefact without a row.
        fault_point("model deleted")
        self._lookup.forget(user_id)
        self._model_cache.forget(model.id)
        if not is_submitted:
            await self._artefacts.discard(model.artefact)
        log.info("model_deleted", user=user_id, model=name)

    def notice_new(self, user_id: UserId) -> None:
        """Let the next request find a new model, even if it precedes the notification."""
        self._lookup.forget(user_id)


class ReportService:
    def __init__(self, artefacts: Artefacts, readers: ProcessPool) -> None:
        self._artefacts, self._readers = artefacts, readers

    async def get(self, model: Model) -> Json:
        return await self._readers.run(load_report, self._source(model), user=UserId(model.user_id))

    async def render(self, model: Model) -> str:
        """The report as an HTML page."""
        return await self._readers.run(render_report, self._source(model), user=UserId(model.user_id))

    def _source(self, model: Model) -> ReportSource:
        if model.artefact is None or model.files is None:
            raise ModelNotFound
        return ReportSource(
            store_url=self._artefacts.store_url,
            artefact=self._artefacts.key(model.artefact),
            files=model.files,
            model=model.name,
            created_at=(model.ready_at or model.created_at).isoformat(),
            description={
                name: value for name, value in (model.description or {}).items() if name in SHOWN_IN_REPORTS
            },
        )
