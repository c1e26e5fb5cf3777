"""Parameters of the course API: texts are converted to the declared types."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ml_service.learning.model_types.registry import MODEL_TYPES, get_model_type

BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
NONE = (0, "", "none", "None", "null")


def convert_course(name: str, raw: Mapping[str, object]) -> dict[str, object]:
    """Parameters as course clients send them: "5" is 5, "true" is true, a depth of 0 is none."""
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


def _plain_type(annotation: Any) -> type:  # Any: annotations have no common type
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation


def _convert(value: object, annotation: Any) -> object:  # Any: as above
    plain = _plain_type(annotation)
    nullable = type(None) in get_args(annotation)
    converted = _from_text(value.strip(), plain) if isinstance(value, str) else value
    if isinstance(converted, float) and plain is int and converted.is_integer():
        converted = int(converted)
    return None if nullable and not isinstance(value, bool) and converted in NONE else converted


def _from_text(text: str, plain: type) -> object:
    if plain is bool:
        return BOOLEANS.get(text.lower(), text)
    try:
        return plain(text)
    except ValueError:
        return text
