"""The course API: the paths and bodies that existing course clients send, over the same services as /v1."""

from typing import Annotated, Any

from fastapi import Body, Path, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented
from ml_service.billing.charging import charged_headers
from ml_service.billing.port import NOT_ENOUGH_TOKENS
from ml_service.callers import PredictCaller, TrainCaller
from ml_service.course.forms import FIRST, SECOND, Dialect
from ml_service.course.schemas import TrainedModelView, form_body
from ml_service.course.service import Trained
from ml_service.datasets.bodies import Form, read_body
from ml_service.datasets.service import ReadBody
from ml_service.dependencies import Course, Meter, Models, Predictions
from ml_service.errors import (
    BillingUnavailable,
    DatasetTooLarge,
    FieldMissing,
    FieldUnusable,
    FileMissing,
    FormMalformed,
    ModelNameTaken,
    ModelNotFound,
    TrainingFailed,
)
from ml_service.learning.model_types import course_view
from ml_service.learning.tables import CsvError
from ml_service.predictions.endpoints import answer_of
from ml_service.predictions.service import Question
from ml_service.store.uploads import Upload

router = strict_router("", ["course"])

ModelName = Annotated[str, Path(max_length=200)]
Features = Annotated[dict[str, Any], Body()]  # Any: cells of every kind
TRAINING_PROBLEMS = documented(
    FormMalformed, NOT_ENOUGH_TOKENS, ModelNameTaken, DatasetTooLarge, FieldMissing, FieldUnusable,
    FileMissing, CsvError, TrainingFailed, BillingUnavailable,
)  # fmt: skip


@router.get("/models")
async def list_model_types() -> dict[str, Any]:  # Any: the course's own shape
    """The model types and their parameters."""
    return course_view()


@router.get("/trained", responses=documented(NOT_ENOUGH_TOKENS))
async def list_trained(response: Response, caller: Reader, models: Models, meter: Meter) -> list[str]:
    """The names of your models, newest first."""

    async def read() -> list[str]:
        return list(await models.list_names(caller.user_id))

    return await meter.read(caller, response, read)


@router.get("/trained/{model_name}", responses=documented(ModelNotFound, NOT_ENOUGH_TOKENS))
async def show_trained(
    model_name: ModelName, response: Response, caller: Reader, models: Models, meter: Meter
) -> TrainedModelView:
    """One of your models."""

    async def read() -> TrainedModelView:
        return TrainedModelView.of(await models.get(caller.user_id, model_name))

    return await meter.read(caller, response, read, model_name)


@router.post("/create", openapi_extra=form_body(FIRST), responses=TRAINING_PROBLEMS)
async def create(
    request: Request, response: Response, caller: TrainCaller, course: Course, key: IdempotencyKey = None
) -> dict[str, Any]:  # Any: the course's own shape
    """Train on the file in the form and wait for it; a caller who goes away finds the model among theirs."""
    trained = await course.train(caller, _form_of(request, FIRST), FIRST, key)
    _tell_charge(response, trained)
    return {
        "status": "success",
        "model_name": trained.job.model_name,
        "metrics": trained.description["metrics"],
        "tokens_deducted": trained.job.tokens_charged,
    }


@router.post("/train", openapi_extra=form_body(SECOND), responses=TRAINING_PROBLEMS)
async def train(
    request: Request, response: Response, caller: TrainCaller, course: Course, key: IdempotencyKey = None
) -> dict[str, Any]:  # Any: the course's own shape
    """Train on the file in the form and wait for it, in the second dialect."""
    trained = await course.train(caller, _form_of(request, SECOND), SECOND, key)
    _tell_charge(response, trained)
    spec = trained.job.spec
    return {
        "status": "model trained",
        "features": spec["features"],
        "label": spec["label"],
        "model_name": spec["model_type"],
        "metrics": trained.description["metrics"],
    }


@router.post(
    "/predict/{model_name}", responses=documented(ModelNotFound, NOT_ENOUGH_TOKENS, BillingUnavailable)
)
async def predict(
    model_name: ModelName,
    body: Features,
    caller: PredictCaller,
    models: Models,
    predictions: Predictions,
    key: IdempotencyKey = None,
) -> Response:
    """Predict one row, given as `features` or as the body itself; a type's name means its newest model."""
    name = await models.resolve(caller.user_id, model_name)
    nested = body.get("features")
    features = nested if isinstance(nested, dict) else body
    predicted = await predictions.predict(caller, Question(name, [features], key))
    answer: dict[str, object] = {
        "status": "success",
        "prediction": predicted.answer["predictions"][0],
        "tokens_deducted": predicted.receipt.tokens,
    }
    if predicted.answer["warnings"]:
        answer["warnings"] = predicted.answer["warnings"]
    return answer_of(answer, predicted)


@router.delete("/delete/{model_name}", responses=documented(ModelNotFound))
async def delete(model_name: ModelName, caller: TrainCaller, models: Models) -> dict[str, str]:
    """Delete one of your models and its files."""
    await models.delete(caller.user_id, model_name)
    return {"status": "success", "message": "The model was deleted."}


def _form_of(request: Request, dialect: Dialect) -> ReadBody:
    async def read(upload: Upload) -> Form:
        return await read_body(request, upload, dialect.file)

    return read


def _tell_charge(response: Response, trained: Trained) -> None:
    response.headers.update(charged_headers(trained.receipt) | (REPLAYED if trained.replayed else {}))
