"""Predictions of rows over HTTP."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from kit.app import strict_router
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning
from kit.hot_routes import HotRequest, HotRoute, NotHot
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented
from ml_service.billing.charges import charged_headers
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PredictCaller
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import PREDICTION_ERRORS, PredictionOptions
from ml_service.models.endpoints import LONGEST_MODEL_NAME, ModelName
from ml_service.predictions.service import Answer, PredictionInput, PredictionResult, PredictionService

# Members of an answer about several rows, and their names in an answer about one row.
SINGULAR = {
    "predictions": "prediction",
    "probabilities": "probabilities",
    "intervals": "interval",
    "label_sets": "label_set",
}

MOST_ROWS = 10_000

Row = dict[str, Any]  # Any: the model's schema defines the cells

router = strict_router("/v1/models", ["predictions"])


class PredictionRequest(BaseModel):
    """Either `features`, one row, or `rows`, several.

    `probabilities` adds the probability of each class. `coverage` is the share of rows whose true label the
    answer is to cover: it adds an interval to each number, and a set of labels to each class.
    """

    model_config = ConfigDict(extra="forbid")

    features: Row | None = None
    rows: Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)] | None = None
    probabilities: StrictBool = False
    coverage: Annotated[float, Field(strict=True, ge=0.5, le=0.99)] | None = None

    @model_validator(mode="after")
    def require_one_of_both(self) -> "PredictionRequest":
        if (self.features is None) == (self.rows is None):
            raise ValueError("Send either features, for one row, or rows, for several.")
        return self

    def to_rows(self) -> list[Row]:
        return self.rows if self.rows is not None else [self.features or {}]

    def to_options(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)


class WarningView(BaseModel):
    """A cell that was read differently from the sent value; rows count from 1."""

    row: int
    feature: str
    detail: str


class IntervalView(BaseModel):
    low: float
    high: float


class PredictionView(BaseModel):
    """`prediction` answers `features`, `predictions` answers `rows`; only requested members are present.

    Labels are as in the file. A set of labels begins with the most probable one. It is empty for a row
    without a plausible label, which occurs with models that are more accurate than the coverage requires.
    """

    model: str
    prediction: float | int | str | None = None
    predictions: list[float | int | str] | None = None
    probabilities: dict[str, float] | list[dict[str, float]] | None = None
    coverage: float | None = None
    interval: IntervalView | None = None
    intervals: list[IntervalView] | None = None
    label_set: list[str | int] | None = None
    label_sets: list[list[str | int]] | None = None
    warnings: list[WarningView]


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
    prediction = PredictionInput(name, request.to_rows(), key, request.to_options())
    result = await predictions.predict(caller, prediction)
    answer = result.answer if request.rows is not None else _first(result.answer)
    coverage = {} if request.coverage is None else {"coverage": request.coverage}
    return charged_response({"model": name, **answer, **coverage}, result)


async def serve_predict(request: HotRequest) -> Response:
    """The hot route of `predict`, without FastAPI; invalid requests are left to FastAPI."""
    body = await hot_json(request)
    caller, key = request.caller("predict"), request.idempotency_key
    try:
        prediction = PredictionRequest.model_validate(body)
    except ValidationError:
        raise NotHot from None
    return await predict(request.parameter, prediction, caller, request.container.predictions, key)


async def hot_json(request: HotRequest) -> Any:  # Any: decoded JSON
    """The decoded body, read before the caller is authenticated, as by FastAPI."""
    if len(request.parameter) > LONGEST_MODEL_NAME:
        raise NotHot
    try:
        return orjson.loads(await request.json_body())
    except orjson.JSONDecodeError:
        raise NotHot from None


HOT_PREDICT = HotRoute("/v1/models/{name}/predict", serve_predict)


def _first(answer: Answer) -> Answer:
    members = {SINGULAR[name]: rows[0] for name, rows in answer.items() if name in SINGULAR}
    return members | {"warnings": answer["warnings"]}


def charged_response(body: dict[str, object], result: PredictionResult) -> Response:
    """The body as JSON, with the receipt's headers.

    Rendered without FastAPI, whose validation takes a large part of the time of this path.
    """
    headers = charged_headers(result.receipt) | (REPLAYED if result.replayed else {})
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)
