"""Parameters as clients send and see them."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from ml_service.learning.model_types.errors import InvalidParameter, UnknownParameter
from ml_service.learning.model_types.protocol import Parameters
from ml_service.learning.model_types.registry import MODEL_TYPES, get_model_type

BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
NONE = (0, "", "none", "None", "null")


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


def convert_course(name: str, raw: Mapping[str, object]) -> dict[str, object]:
    """What course clients send, as their declared types: "5" is 5, "true" is true, a depth of 0 is none."""
    fields = get_model_type(name).parameters.model_fields
    return {
        key: _convert(value, fields[key].annotation) if key in fields else value for key, value in raw.items()
    }


def course_view() -> dict[str, dict[str, dict[str, str]]]:
    """The parameters of every type as the course's clients list them."""
    return {
        name: {
            "params": {
                key: _plain_type(field.annotation).__name__
                for key, field in each.parameters.model_fields.items()
            }
        }
        for name, each in MODEL_TYPES.items()
    }


def describe(name: str) -> dict[str, Any]:  # Any: JSON Schema
    """One type as `/v1/model-types` shows it."""
    each = get_model_type(name)
    return {
        "name": each.name,
        "title": each.title,
        "tasks": sorted(each.tasks),
        "parameters": each.parameters.model_json_schema(),
    }


def _plain_type(annotation: Any) -> type:  # Any: annotations have no common type
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation


def _convert(value: object, annotation: Any) -> object:  # Any: as above
    kind = _plain_type(annotation)
    nullable = type(None) in get_args(annotation)
    converted = _from_text(value.strip(), kind) if isinstance(value, str) else value
    if isinstance(converted, float) and kind is int and converted.is_integer():
        converted = int(converted)
    return None if nullable and not isinstance(value, bool) and converted in NONE else converted


def _from_text(text: str, kind: type) -> object:
    if kind is bool:
        return BOOLEANS.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
