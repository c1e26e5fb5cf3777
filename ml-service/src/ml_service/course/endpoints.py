"""The course API: paths and bodies of existing course clients, on the same services as /v1."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Body, Depends, Request, Response
from pydantic import BaseModel

from kit.app import strict_router
from kit.errors import DeadlinePassed, IdempotencyKeyReused, IdempotencyTwinRunning
from kit.hot_routes import HotRequest, HotRoute, NotHot
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.payers import PayingReader, hot_payer
from kit.problems import documented
from ml_service.billing.charges import charged_headers
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PayingPredictCaller, PayingTrainCaller, TrainCaller
from ml_service.course.forms import FIRST, SECOND, Dialect
from ml_service.course.service import CourseTraining, TrainedModel
from ml_service.datasets.bodies import BINARY, UploadForm, read_body
from ml_service.datasets.service import ReadBody
from ml_service.errors import (
    AccountDeleted,
    DatasetQuotaReached,
    DatasetTooLarge,
    FieldMissing,
    FieldUnusable,
    FormMalformed,
    ModelNameTaken,
    ModelNameUnusable,
    ModelNotFound,
    NotATable,
    TooManyJobsQueued,
    TrainingCancelled,
    TrainingFailed,
    TrainingTimedOut,
    UploadInterrupted,
)
from ml_service.learning.model_types import MODEL_TYPE_ERRORS, course_view
from ml_service.learning.tables import CSV_ERRORS
from ml_service.learning.training import TRAINING_ERRORS
from ml_service.models.endpoints import Meter, ModelName, Models
from ml_service.orm import Model
from ml_service.predictions.answers import Answer, first_row
from ml_service.predictions.endpoints import (
    ROW_ERRORS,
    Predictions,
    charged_response,
    hot_body,
    parse,
    predict_large,
)
from ml_service.predictions.large_requests import course_row
from ml_service.predictions.service import PredictionInput, PredictionResult
from ml_service.store.errors import POOL_ERRORS, STORAGE_ERRORS, FileMissing
from ml_service.store.uploads import Upload

router = strict_router("", ["course"])

Features = Annotated[dict[str, Any], Body()]  # Any: cells of every kind
TRAINING_PROBLEMS = documented(
    FormMalformed,
    UploadInterrupted,
    NotATable,
    FileMissing,
    FieldMissing,
    FieldUnusable,
    AccountDeleted,
    DatasetTooLarge,
    DatasetQuotaReached,
    *STORAGE_ERRORS,
    *CSV_ERRORS,
    *POOL_ERRORS,
    *MODEL_TYPE_ERRORS,
    *TRAINING_ERRORS,
    ModelNameTaken,
    ModelNameUnusable,
    *CHARGE_ERRORS,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    TrainingFailed,
    TrainingCancelled,
    TrainingTimedOut,
    DeadlinePassed,
    TooManyJobsQueued,
)


class TrainedModelView(BaseModel):
    model_name: str
    model_type: str
    feature_cols: list[str]
    created_at: datetime

    @classmethod
    def of(cls, model: Model) -> "TrainedModelView":
        return cls(
            model_name=model.name,
            model_type=model.model_type,
            feature_cols=(model.description or {})["spec"]["features"],
            created_at=model.ready_at or model.created_at,
        )


def form_body(dialect: Dialect) -> dict[str, Any]:  # Any: OpenAPI
    """The OpenAPI schema of a form; its body is streamed, so FastAPI cannot derive it."""
    texts = (dialect.model_type, dialect.features, dialect.label, dialect.params)
    properties: dict[str, object] = {name: {"type": "string"} for name in texts}
    properties[dialect.file] = BINARY
    properties["train_percentage"] = {"type": "number", "default": 0.8}
    properties["model_filename"] = {"type": "string"}
    required = [dialect.file, dialect.model_type, dialect.features, dialect.label]
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def _course(request: Request) -> CourseTraining:
    return request.app.state.container.course


Course = Annotated[CourseTraining, Depends(_course)]


@router.get("/models")
async def list_model_types() -> dict[str, Any]:  # Any: the course's own shape
    """The model types and their parameters."""
    return course_view()


@router.get("/trained", responses=documented(*CHARGE_ERRORS))
async def list_trained(caller: PayingReader, models: Models, meter: Meter) -> list[str]:
    """The names of your models, newest first."""
    async with meter.reading():
        return list(await models.list_names(caller.user_id))


@router.get("/trained/{model_name}", responses=documented(ModelNotFound, *CHARGE_ERRORS))
async def show_trained(
    model_name: ModelName, caller: PayingReader, models: Models, meter: Meter
) -> TrainedModelView:
    """One of your models."""
    model = await models.get(caller.user_id, model_name)
    async with meter.reading(model_name):
        return TrainedModelView.of(model)


@router.post("/create", openapi_extra=form_body(FIRST), responses=TRAINING_PROBLEMS)
async def create(
    request: Request,
    response: Response,
    caller: PayingTrainCaller,
    course: Course,
    key: IdempotencyKey = None,
) -> dict[str, Any]:  # Any: the course's own shape
    """Train on the uploaded file and wait for the model, which is stored even if you disconnect."""
    trained = await course.train(caller, _form_reader(request, FIRST), FIRST, key, request.is_disconnected)
    _set_headers(response, trained)
    return {
        "status": "success",
        "model_name": trained.job.model_name,
        "metrics": trained.description["metrics"],
        "tokens_deducted": trained.job.tokens_charged,
    }


@router.post("/train", openapi_extra=form_body(SECOND), responses=TRAINING_PROBLEMS)
async def train(
    request: Request,
    response: Response,
    caller: PayingTrainCaller,
    course: Course,
    key: IdempotencyKey = None,
) -> dict[str, Any]:  # Any: the course's own shape
    """Train on the uploaded file and wait for the model, with the field names of the second dialect."""
    trained = await course.train(caller, _form_reader(request, SECOND), SECOND, key, request.is_disconnected)
    _set_headers(response, trained)
    spec = trained.job.spec
    return {
        "status": "model trained",
        "features": spec["features"],
        "label": spec["label"],
        "model_name": spec["model_type"],
        "metrics": trained.description["metrics"],
    }


@router.post(
    "/predict/{model_name}",
    responses=documented(*ROW_ERRORS),
)
async def predict(
    model_name: ModelName,
    body: Features,
    caller: PayingPredictCaller,
    models: Models,
    predictions: Predictions,
    key: IdempotencyKey = None,
) -> Response:
    """Predict one row, sent as `features` or as the body; the name of a type means its newest model."""
    name = await models.resolve_name(caller.user_id, model_name)
    result = await predictions.predict(caller, PredictionInput(name, [course_row(body)], key))
    return _course_response(first_row(result.answer), result)


async def serve_predict(request: HotRequest) -> Response:
    """The hot route of `predict`, without FastAPI; invalid requests are left to FastAPI."""
    sent, container = await hot_body(request), request.container
    if not isinstance(sent, bytes):
        caller = hot_payer(request, "predict")
        name = await container.models.resolve_name(caller.user_id, request.parameter)
        result = await predict_large(request, name, "course", sent)
        return _course_response(orjson.loads(result.content or b""), result)
    body = parse(sent)
    caller, key = hot_payer(request, "predict"), request.idempotency_key
    if not isinstance(body, dict):
        raise NotHot
    return await predict(request.parameter, body, caller, container.models, container.predictions, key)


def _course_response(members: Answer, result: PredictionResult) -> Response:
    answer: dict[str, object] = {
        "status": "success",
        "prediction": members["prediction"],
        "tokens_deducted": result.receipt.tokens,
    }
    if members["warnings"]:
        answer["warnings"] = members["warnings"]
    return charged_response(answer, result)


HOT_PREDICT = HotRoute("/predict/{model_name}", serve_predict)


@router.delete("/delete/{model_name}", responses=documented(ModelNotFound))
async def delete(model_name: ModelName, caller: TrainCaller, models: Models) -> dict[str, str]:
    """Delete one of your models and its files."""
    await models.delete(caller.user_id, model_name)
    return {"status": "success", "message": "The model was deleted."}


def _form_reader(request: Request, dialect: Dialect) -> ReadBody:
    async def read(upload: Upload) -> UploadForm:
        return await read_body(request, upload, dialect.file)

    return read


def _set_headers(response: Response, trained: TrainedModel) -> None:
    response.headers.update(charged_headers(trained.receipt) | (REPLAYED if trained.replayed else {}))
