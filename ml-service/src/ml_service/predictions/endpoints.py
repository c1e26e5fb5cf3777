"""Predictions over HTTP."""

from typing import Annotated

import orjson
from fastapi import Path, Response

from kit.app import strict_router
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused, IdempotencyTwinRunning
from kit.problems import documented
from ml_service.billing.charging import charged_headers
from ml_service.billing.port import NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, WALLET_NOT_FOUND
from ml_service.callers import PredictCaller
from ml_service.dependencies import Predictions
from ml_service.errors import BillingUnavailable, ModelNotFound
from ml_service.learning.predictors import PREDICTION_ERRORS
from ml_service.predictions.once import Answered
from ml_service.predictions.schemas import PredictionRequest, PredictionView
from ml_service.predictions.service import Answer, Question

# What is told about one row in the place of lists.
ONE_OF = {
    "predictions": "prediction",
    "probabilities": "probabilities",
    "intervals": "interval",
    "label_sets": "label_set",
}

router = strict_router("/v1/models", ["predictions"])


@router.post(
    "/{name}/predict",
    response_model=PredictionView,
    response_model_exclude_none=True,
    responses=documented(
        NOT_ENOUGH_TOKENS,
        TOKEN_CAP_REACHED,
        ModelNotFound,
        WALLET_NOT_FOUND,
        IdempotencyTwinRunning,
        IdempotencyKeyReused,
        BillingUnavailable,
        *PREDICTION_ERRORS,
    ),
)
async def predict(
    name: Annotated[str, Path(max_length=200)],
    request: PredictionRequest,
    caller: PredictCaller,
    predictions: Predictions,
    key: IdempotencyKey = None,
) -> Response:
    """Predict for one row or several; one row costs a prediction, more are priced by the thousand.

    Probabilities, and what covers the true label as often as `coverage` says, come at the same price.
    """
    question = Question(name, request.to_rows(), key, request.to_asked())
    predicted = await predictions.predict(caller, question)
    told = predicted.answer if request.rows is not None else _first(predicted.answer)
    coverage = {} if request.coverage is None else {"coverage": request.coverage}
    return answer_of({"model": name, **told, **coverage}, predicted)


def _first(answer: Answer) -> Answer:
    told = {ONE_OF[name]: each[0] for name, each in answer.items() if name in ONE_OF}
    return told | {"warnings": answer["warnings"]}


def answer_of(body: dict[str, object], predicted: Answered) -> Response:
    """Written by hand: this is the one route whose time is counted in microseconds."""
    headers = charged_headers(predicted.receipt) | (REPLAYED if predicted.replayed else {})
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)
