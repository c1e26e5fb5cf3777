"""All model types, their parameters as clients send them, and their description."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from kit.errors import ServiceError
from ml_service.learning.model_types.errors import (
    InvalidParameter,
    ModelTypeRefusal,
    UnknownModelType,
    UnknownParameter,
)
from ml_service.learning.model_types.gradient_boosting import GradientBoosting
from ml_service.learning.model_types.knn import Knn
from ml_service.learning.model_types.linear import Linear
from ml_service.learning.model_types.logistic import Logistic
from ml_service.learning.model_types.protocol import ModelType, Parameters, Task
from ml_service.learning.model_types.random_forest import RandomForest
from ml_service.learning.tables import Json

AnyModelType = ModelType[Any]  # Any: each has parameters of its own

MODEL_TYPES: Mapping[str, AnyModelType] = {
    each.name: each for each in (Knn(), Linear(), Logistic(), RandomForest(), GradientBoosting())
}
MODEL_TYPE_ERRORS: tuple[type[ServiceError], ...] = (
    UnknownModelType,
    UnknownParameter,
    InvalidParameter,
    *ModelTypeRefusal.__subclasses__(),
)


def get_model_type(name: str) -> AnyModelType:
    try:
        return MODEL_TYPES[name]
    except KeyError:
        raise UnknownModelType(sorted(MODEL_TYPES)) from None


def types_for(task: Task) -> str:
    """The names of the types for this task, as a sentence lists them."""
    *others, last = (name for name, each in MODEL_TYPES.items() if task in each.tasks)
    return f"{', '.join(others)} or {last}"


def parse(name: str, raw: Mapping[str, object]) -> Parameters:
    """Typed and bounded parameters of this type, with defaults for those that are not given."""
    known = get_model_type(name).parameters
    if not set(raw) <= set(known.model_fields):
        raise UnknownParameter(name, list(known.model_fields))
    try:
        return known.model_validate(dict(raw))
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidParameter(str(wrong["loc"][0]), wrong["msg"].rstrip(".") + ".") from error


def describe(name: str) -> Json:
    """One type as `/v1/model-types` shows it, with its parameters as JSON Schema."""
    each = get_model_type(name)
    return {
        "name": each.name,
        "title": each.title,
        "tasks": sorted(each.tasks),
        "parameters": each.parameters.model_json_schema(),
    }
