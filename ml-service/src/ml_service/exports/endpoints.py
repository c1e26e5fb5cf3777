"""Exports of models: a reader process writes a bundle to the store, which is sent and deleted."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import ServiceError
from kit.identity import UserId
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.datasets.bodies import BINARY
from ml_service.errors import ModelNotFound
from ml_service.exports.bundle import BundleTask, write_bundle
from ml_service.exports.signing import public_key_of
from ml_service.learning.predictors import ArtefactRefused
from ml_service.learning.predictors.artefacts import recorded_sizes
from ml_service.models.endpoints import Meter, ModelName
from ml_service.models.service import ModelService
from ml_service.store.errors import ReaderDied
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.process_pool import ProcessPool

router = strict_router("/v1/models", ["models"])
key_router = strict_router("", ["models"])

ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in the store; it is deleted once it has been sent."""

    location: str
    size_bytes: int


class ExportTooLarge(ServiceError):
    status = 422
    code = "export_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"A model of over {limit} bytes cannot be exported; train one with fewer or smaller trees.",
            limit=limit,
        )


@dataclass(frozen=True, slots=True)
class ExportRules:
    """The size of the largest model that is exported, and the private key of signatures."""

    max_bytes: int
    signing_key: bytes = field(repr=False)


class ExportService:
    def __init__(
        self,
        models: ModelService,
        artefacts: Artefacts,
        results: Results,
        readers: ProcessPool,
        rules: ExportRules,
    ) -> None:
        self._models, self._artefacts = models, artefacts
        self._results, self._readers = results, readers
        self._rules = rules

    @property
    def public_key(self) -> str:
        return public_key_of(self._rules.signing_key)

    async def export(self, user_id: UserId, name: str) -> Bundle:
        model = await self._models.get(user_id, name)
        if model.artefact is None or model.files is None or model.description is None:
            raise ModelNotFound
        if model.size_bytes + recorded_sizes(model.files).restored > self._rules.max_bytes:
            raise ExportTooLarge(self._rules.max_bytes)
        task = BundleTask(
            store_url=self._artefacts.store_url,
            artefact=self._artefacts.key(model.artefact),
            files=model.files,
            model=model.name,
            created_at=(model.ready_at or model.created_at).isoformat(),
            description=model.description,
            signing_key=self._rules.signing_key,
        )
        location = self._results.name_new()
        return Bundle(location, await self._readers.run(write_bundle, task, location, user=user_id))

    def read_once(self, bundle: Bundle) -> AsyncGenerator[bytes]:
        """Stream the zip, then delete it."""
        return self._results.read(bundle.location, once=True)


async def _exports(request: Request) -> ExportService:
    return request.app.state.container.exports


Exports = Annotated[ExportService, Depends(_exports)]


class ExportKeyView(BaseModel):
    """An Ed25519 public key in base64."""

    algorithm: str
    public_key: str


@key_router.get("/v1/export-key")
async def show_export_key(exports: Exports) -> ExportKeyView:
    """The key with which `score.py --key` checks that a bundle comes from here; no login needed."""
    return ExportKeyView(algorithm="Ed25519", public_key=exports.public_key)


@router.get(
    "/{name}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {"schema": BINARY}}}}
    | documented(ModelNotFound, ExportTooLarge, ArtefactRefused, ReaderDied, *CHARGE_ERRORS),
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
