"""Exports of models: a bundle is written to the store, read once, then deleted."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from kit.identity import UserId
from ml_service.errors import ModelNotFound
from ml_service.exports.bundle import BundleTask, write_bundle
from ml_service.models.service import ModelService
from ml_service.store.artefacts import Artefacts
from ml_service.store.process_pool import ProcessPool
from ml_service.store.results import Results


@dataclass(frozen=True, slots=True)
class Bundle:
    """A written bundle, at its location in the store until it is read."""

    location: str
    size_bytes: int


class ExportService:
    def __init__(
        self, models: ModelService, artefacts: Artefacts, results: Results, readers: ProcessPool
    ) -> None:
        self._models, self._artefacts = models, artefacts
        self._results, self._readers = results, readers

    async def export(self, user_id: UserId, name: str) -> Bundle:
        model = await self._models.get(user_id, name)
        if model.artefact is None or model.files is None or model.description is None:
            raise ModelNotFound
        task = BundleTask(
            store_url=self._artefacts.store_url,
            artefact=self._artefacts.key(model.artefact),
            files=model.files,
            model=model.name,
            created_at=(model.ready_at or model.created_at).isoformat(),
            description=model.description,
        )
        location = self._results.name_new()
        return Bundle(location, await self._readers.run(write_bundle, task, location))

    def read_once(self, bundle: Bundle) -> AsyncGenerator[bytes]:
        """The zip, which is deleted afterwards."""
        return self._results.read(bundle.location, once=True)
