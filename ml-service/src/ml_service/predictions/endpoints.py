"""Predictions over HTTP."""

from typing import Annotated

import orjson
from fastapi import Depends, Request, Response

from kit.app import strict_router
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented
from ml_service.billing.charging import charged_headers
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PredictCaller
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import PREDICTION_ERRORS
from ml_service.models.endpoints import ModelName
from ml_service.predictions.schemas import PredictionRequest, PredictionView
from ml_service.predictions.service import Answer, PredictionInput, PredictionResult, PredictionService

# Members of an answer about many rows, and those of an answer about one.
SINGULAR = {
    "predictions": "prediction",
    "probabilities": "probabilities",
    "intervals": "interval",
    "label_sets": "label_set",
}

router = strict_router("/v1/models", ["predictions"])


async def _predictions(request: Request) -> PredictionService:
    return request.app.state.container.predictions


Predictions = Annotated[PredictionService, Depends(_predictions)]


@router.post(
    "/{name}/predict",
    response_model=PredictionView,
    response_model_exclude_none=True,
    responses=documented(
        ModelNotFound,
        *CHARGE_ERRORS,
        IdempotencyTwinRunning,
        IdempotencyKeyReused,
        *PREDICTION_ERRORS,
    ),
)
async def predict(
    name: ModelName,
    request: PredictionRequest,
    caller: PredictCaller,
    predictions: Predictions,
    key: IdempotencyKey = None,
) -> Response:
    """Predict one row or several; one row costs a prediction, more are priced by the thousand.

    Probabilities, and intervals or label sets for a `coverage`, cost nothing extra.
    """
    wanted = PredictionInput(name, request.to_rows(), key, request.to_options())
    result = await predictions.predict(caller, wanted)
    answer = result.answer if request.rows is not None else _first(result.answer)
    coverage = {} if request.coverage is None else {"coverage": request.coverage}
    return charged_response({"model": name, **answer, **coverage}, result)


def _first(answer: Answer) -> Answer:
    members = {SINGULAR[name]: rows[0] for name, rows in answer.items() if name in SINGULAR}
    return members | {"warnings": answer["warnings"]}


def charged_response(body: dict[str, object], result: PredictionResult) -> Response:
    """The body as JSON, with the receipt's headers.

    Rendered by hand: FastAPI's own way takes a good part of the time of this hot path.
    """
    headers = charged_headers(result.receipt) | (REPLAYED if result.replayed else {})
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)
