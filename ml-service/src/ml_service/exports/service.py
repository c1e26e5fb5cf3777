"""Makes bundles of models."""

from dataclasses import dataclass

from kit.identity import UserId
from ml_service.errors import ModelNotFound
from ml_service.exports.bundle import Task, write_bundle
from ml_service.models.service import ModelService
from ml_service.store.artefacts import Artefacts
from ml_service.store.process_pool import ProcessPool
from ml_service.store.results import Results


@dataclass(frozen=True, slots=True)
class Bundle:
    """Where in the store it lies until it is read."""

    location: str
    size_bytes: int


class ExportService:
    def __init__(
        self, models: ModelService, artefacts: Artefacts, results: Results, readers: ProcessPool
    ) -> None:
        self._models, self._artefacts = models, artefacts
        self.results, self._readers = results, readers

    async def export(self, user_id: UserId, name: str) -> Bundle:
        model = await self._models.get(user_id, name)
        if model.artefact is None or model.files is None or model.description is None:
            raise ModelNotFound
        key = self._artefacts.key(model.artefact)
        task = Task(
            store_url=self._artefacts.store_url,
            artefact=key,
            files=model.files,
            model=model.name,
            created_at=(model.ready_at or model.created_at).isoformat(),
            description=model.description,
        )
        location = self.results.name_new()
        return Bundle(location, await self._readers.run(write_bundle, task, location))
