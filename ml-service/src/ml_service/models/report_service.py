"""Shows reports."""

import asyncio
from pathlib import Path

from kit.identity import UserId
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import read_report
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.learning.tables import Json
from ml_service.models.models import Model
from ml_service.models.service import ModelService
from ml_service.store.artefacts import Artefacts
from ml_service.store.files import Files
from ml_service.store.readers import Readers


class ReportService:
    def __init__(self, models: ModelService, files: Files, artefacts: Artefacts, readers: Readers) -> None:
        self._models, self._files = models, files
        self._artefacts, self._readers = artefacts, readers

    async def get(self, user_id: UserId, name: str) -> Json:
        model = await self._models.get(user_id, name)
        described = model.description or {}
        report = await asyncio.to_thread(self._read, model)
        created_at = (model.ready_at or model.created_at).isoformat()
        return complete_report(report, model.name, created_at, described.get("leaderboard"))

    async def page(self, user_id: UserId, name: str) -> str:
        """Drawn in a process of its own, as drawing takes a browser's engine and some tenths of a second."""
        return await self._readers.run(render_page, await self.get(user_id, name))

    def _read(self, model: Model) -> Json:
        if model.artefact is None or model.files is None:
            raise ModelNotFound
        with self._files.on_disk(self._artefacts.key(model.artefact)) as folder:
            return read_report(Path(folder), model.files)
