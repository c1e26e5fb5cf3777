"""Predictions of rows over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from kit.app import strict_router
from kit.errors import (
    ClientLeft,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    Malformed,
)
from kit.hot_routes import HotRequest, HotRoute, NotHot
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.payers import hot_payer
from kit.problems import documented, from_validation
from ml_service.billing.charges import charged_headers
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PayingPredictCaller
from ml_service.errors import LoadLimitReached, ModelExceedsLimit, ModelNotFound, PredictionTimedOut
from ml_service.learning.predictors import PREDICTION_ERRORS
from ml_service.models.endpoints import LONGEST_MODEL_NAME, ModelName
from ml_service.predictions.answers import first_row
from ml_service.predictions.large_requests import Dialect, InvalidRequest
from ml_service.predictions.schemas import PredictionRequest, PredictionView
from ml_service.predictions.scoring import LOOP_BYTES
from ml_service.predictions.service import (
    LargeInput,
    PredictionInput,
    PredictionResult,
    PredictionService,
)
from ml_service.store.errors import POOL_ERRORS, STORAGE_ERRORS

# A body arrives through the gateway, which has all of it before it sends the first byte.
BODY_SECONDS = 10.0

# Errors of every route that predicts rows.
ROW_ERRORS = (
    ModelNotFound,
    *CHARGE_ERRORS,
    IdempotencyTwinRunning,
    IdempotencyKeyReused,
    IdempotencyKeyExpired,
    *PREDICTION_ERRORS,
    ModelExceedsLimit,
    LoadLimitReached,
    PredictionTimedOut,
    *POOL_ERRORS,
    *STORAGE_ERRORS,
    ClientLeft,
)

router = strict_router("/v1/models", ["predictions"])


async def _predictions(request: Request) -> PredictionService:
    return request.app.state.container.predictions


Predictions = Annotated[PredictionService, Depends(_predictions)]


@router.post(
    "/{name}/predict",
    response_model=PredictionView,
    response_model_exclude_none=True,
    responses=documented(*ROW_ERRORS),
)
async def predict(
    name: ModelName,
    request: PredictionRequest,
    caller: PayingPredictCaller,
    predictions: Predictions,
    key: IdempotencyKey = None,
) -> Response:
    """Predict one row or several; one row costs a prediction, more are priced by the thousand.

    Probabilities, and intervals or label sets for a `coverage`, cost nothing extra.
    """
    prediction = PredictionInput(name, request.to_rows(), key, request.to_options())
    result = await predictions.predict(caller, prediction)
    if result.content is not None:
        return _rendered_response(name, result)
    answer = result.answer if request.rows is not None else first_row(result.answer)
    coverage = {} if request.coverage is None else {"coverage": request.coverage}
    return charged_response({"model": name, **answer, **coverage}, result)


async def serve_predict(request: HotRequest) -> Response:
    """The hot route of `predict`, without FastAPI; invalid requests are left to FastAPI."""
    body = await hot_body(request)
    if not isinstance(body, bytes):
        result = await predict_large(request, request.parameter, "v1", body)
        return _rendered_response(request.parameter, result)
    body = parse(body)
    caller, key = hot_payer(request, "predict"), request.idempotency_key
    try:
        prediction = PredictionRequest.model_validate(body)
    except ValidationError:
        raise NotHot from None
    return await predict(request.parameter, prediction, caller, request.container.predictions, key)


LargeBody = Callable[[], Awaitable[bytes]]


async def hot_body(request: HotRequest) -> bytes | LargeBody:
    """The body, read before the caller is authenticated, as by FastAPI; a large one is not read here."""
    if len(request.parameter) > LONGEST_MODEL_NAME:
        raise NotHot
    if request.content_length > LOOP_BYTES:
        return request.json_body
    body = await request.json_body()
    if len(body) <= LOOP_BYTES:
        return body

    async def received() -> bytes:
        return body

    return received


def parse(body: bytes) -> Any:  # Any: decoded JSON
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotHot from None


async def predict_large(
    request: HotRequest, model: str, dialect: Dialect, body: LargeBody
) -> PredictionResult:
    """Predict a request whose body is too large to parse on the event loop."""
    caller, key = hot_payer(request, "predict"), request.idempotency_key

    async def read() -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await body()
        except TimeoutError:
            raise Malformed("The body did not arrive in time; send it again.") from None

    try:
        predictions: PredictionService = request.container.predictions
        return await predictions.predict_large(caller, LargeInput(model, dialect, key, read))
    except InvalidRequest as error:
        raise from_validation(RequestValidationError(error.faults)) from None


HOT_PREDICT = HotRoute("/v1/models/{name}/predict", serve_predict)


def charged_response(body: dict[str, object], result: PredictionResult) -> Response:
    """The body as JSON, with the receipt's headers.

    Rendered without FastAPI, whose validation takes a large part of the time of this path.
    """
    return _response(orjson.dumps(body), result)


def _rendered_response(name: str, result: PredictionResult) -> Response:
    """The same for an answer that was rendered in a process, without the name of the model."""
    assert result.content is not None  # noqa: S101 - as the callers found, or of `predict_large`
    return _response(b'{"model":' + orjson.dumps(name) + b"," + result.content[1:], result)


def _response(content: bytes, result: PredictionResult) -> Response:
    headers = charged_headers(result.receipt) | (REPLAYED if result.replayed else {})
    return Response(content, media_type="application/json", headers=headers)
