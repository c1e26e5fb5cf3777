"""Exports of models: a reader process writes a bundle to the store, which is sent and deleted."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.identity import UserId
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.datasets.bodies import BINARY
from ml_service.errors import ModelNotFound, ReaderDied
from ml_service.exports.bundle import BundleTask, write_bundle
from ml_service.learning.predictors import ArtefactRefused
from ml_service.models.endpoints import Meter, ModelName
from ml_service.models.service import ModelService
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.process_pool import ProcessPool

router = strict_router("/v1/models", ["models"])

ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in the store; it is deleted once it has been sent."""

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
        return Bundle(location, await self._readers.run(write_bundle, task, location, user=user_id))

    def read_once(self, bundle: Bundle) -> AsyncGenerator[bytes]:
        """Stream the zip, then delete it."""
        return self._results.read(bundle.location, once=True)


async def _exports(request: Request) -> ExportService:
    return request.app.state.container.exports


Exports = Annotated[ExportService, Depends(_exports)]


@router.get(
    "/{name}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {"schema": BINARY}}}}
    | documented(ModelNotFound, ArtefactRefused, ReaderDied, *CHARGE_ERRORS),
)
async def export_model(
    name: ModelName, response: Response, caller: Reader, exports: Exports, meter: Meter
) -> StreamingResponse:
    """A zip with the pipeline, schema, report, sample rows with expected predictions, and a scoring script.

    It includes an ONNX model where that predicts the same.
    """
    async with meter.reading(name):
        bundle = await exports.export(caller.user_id, name)
    headers = {
        **response.headers,
        "Content-Length": str(bundle.size_bytes),
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    return StreamingResponse(exports.read_once(bundle), media_type=ZIP, headers=headers)
