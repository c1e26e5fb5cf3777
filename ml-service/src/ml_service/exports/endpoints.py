"""Exports of models over HTTP."""

from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.datasets.bodies import BINARY
from ml_service.errors import ModelNotFound, ReaderDied
from ml_service.exports.service import ExportService
from ml_service.learning.predictors import ArtefactRefused
from ml_service.models.endpoints import Meter, ModelName

router = strict_router("/v1/models", ["models"])

ZIP = "application/zip"


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
    """A zip with the pipeline, ONNX where it predicts the same, schema, report, sample rows with expected
    predictions, and a scoring script.
    """
    async with meter.reading(name):
        bundle = await exports.export(caller.user_id, name)
    headers = {
        **response.headers,
        "Content-Length": str(bundle.size_bytes),
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    return StreamingResponse(exports.read_once(bundle), media_type=ZIP, headers=headers)
