"""Models to leave with, over HTTP."""

from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.problems import documented
from ml_service.billing.port import NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED
from ml_service.dependencies import Exports, Meter
from ml_service.errors import BillingUnavailable, ModelNotFound, ReaderDied
from ml_service.exports.service import Bundle
from ml_service.learning.predictors import ArtefactRefused

router = strict_router("/v1/models", ["models"])

ZIP = "application/zip"


@router.get(
    "/{name}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}}
    | documented(
        ModelNotFound, ArtefactRefused, ReaderDied, NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, BillingUnavailable
    ),
)
async def export_model(
    name: Annotated[str, Path(max_length=200)],
    response: Response,
    caller: Reader,
    exports: Exports,
    meter: Meter,
) -> StreamingResponse:
    """A zip to leave with: pipeline, ONNX where it says the same, schema, report, golden rows, a scorer."""

    async def make() -> Bundle:
        return await exports.export(caller.user_id, name)

    bundle = await meter.read(caller, response, make, name)
    return StreamingResponse(
        exports.results.read(bundle.location, once=True),
        media_type=ZIP,
        headers={
            **response.headers,
            "Content-Length": str(bundle.size_bytes),
            "Content-Disposition": f'attachment; filename="{name}.zip"',
        },
    )
