"""Registry of the model types: look-up, description, and parsing of parameters from clients."""

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from kit.errors import ServiceError
from ml_service.learning.model_types.gradient_boosting import GradientBoosting
from ml_service.learning.model_types.knn import Knn
from ml_service.learning.model_types.linear import Linear
from ml_service.learning.model_types.logistic import Logistic
from ml_service.learning.model_types.protocol import ModelType, ModelTypeRefusal, Parameters, Task
from ml_service.learning.model_types.random_forest import RandomForest
from ml_service.learning.tables import Json

AnyModelType = ModelType[Any]  # Any: each has parameters of its own

MODEL_TYPES: Mapping[str, AnyModelType] = {
    model_type.name: model_type
    for model_type in (Knn(), Linear(), Logistic(), RandomForest(), GradientBoosting())
}
# Spellings of the course's clients.
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
NULLS = (0, "", "none", "None", "null")


class UnknownModelType(ServiceError):
    status = 422
    code = "unknown_model_type"

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"There is no such model type; choose one of {', '.join(known)}.")


class UnknownParameter(ServiceError):
    status = 400
    code = "unknown_parameter"

    def __init__(self, model_type: str, known: Sequence[str]) -> None:
        super().__init__(f"A parameter is unknown; {model_type} takes {', '.join(known)}.")


class InvalidParameter(ServiceError):
    status = 422
    code = "invalid_parameter"

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(f"{parameter}: {sentence}", parameter=parameter)


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
    """The names of the model types for a task, joined for use in a sentence."""
    *others, last = (name for name, model_type in MODEL_TYPES.items() if task in model_type.tasks)
    return f"{', '.join(others)} or {last}"


def describe(name: str) -> Json:
    """A model type in the form of `/v1/model-types`, with its parameters as JSON Schema."""
    model_type = get_model_type(name)
    return {
        "name": model_type.name,
        "title": model_type.title,
        "tasks": sorted(model_type.tasks),
        "parameters": model_type.parameters.model_json_schema(),
    }


def candidate_name(name: str, params: Mapping[str, object]) -> str:
    """A name that distinguishes models of one type, such as "Random forest (n_estimators 200)"."""
    title = MODEL_TYPES[name].title if name in MODEL_TYPES else name
    return f"{title} ({', '.join(f'{key} {value}' for key, value in params.items()) or 'defaults'})"


def parse(name: str, raw: Mapping[str, object]) -> Parameters:
    """Typed and bounded parameters of a model type, with defaults for missing ones."""
    parameters = get_model_type(name).parameters
    if not set(raw) <= set(parameters.model_fields):
        raise UnknownParameter(name, list(parameters.model_fields))
    try:
        return parameters.model_validate(dict(raw))
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidParameter(str(fault["loc"][0]), fault["msg"].rstrip(".") + ".") from error


def course_view() -> dict[str, dict[str, dict[str, str]]]:
    """The parameters of all model types in the form of the course's `GET /models`."""
    return {
        name: {
            "params": {
                key: _plain_type(field.annotation).__name__
                for key, field in model_type.parameters.model_fields.items()
            }
        }
        for name, model_type in MODEL_TYPES.items()
    }


def convert_course(name: str, raw: Mapping[str, object]) -> dict[str, object]:
    """Parameters from course clients with texts converted: "5" to 5, "true" to true, a depth of 0 to none."""
    fields = get_model_type(name).parameters.model_fields
    return {
        key: _convert(value, fields[key].annotation) if key in fields else value for key, value in raw.items()
    }


def _plain_type(annotation: Any) -> type:  # Any: annotations have no common type
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next(member for member in get_args(annotation) if member is not type(None))
    return annotation


def _convert(value: object, annotation: Any) -> object:  # Any: as above
    plain = _plain_type(annotation)
    nullable = type(None) in get_args(annotation)
    converted = _from_text(value.strip(), plain) if isinstance(value, str) else value
    if isinstance(converted, float) and plain is int and converted.is_integer():
        converted = int(converted)
    return None if nullable and not isinstance(value, bool) and converted in NULLS else converted


def _from_text(text: str, plain: type) -> object:
    if plain is bool:
        return BOOLEANS.get(text.lower(), text)
    if not text.isascii() or "_" in text:
        return text  # Python would read other scripts' digits and `1_0` as numbers.
    try:
        return plain(text)
    except ValueError:
        return text
