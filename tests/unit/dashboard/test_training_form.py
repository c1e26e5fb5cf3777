"""Parameters of model types, read from their JSON Schema."""

import pytest

from dashboard.widgets.training_form import Parameter


def test_bounded_integer_is_read() -> None:
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 100, "description": "How many."}
    parameter = Parameter.from_schema("n_estimators", schema)
    assert (parameter.type, parameter.minimum, parameter.maximum, parameter.default) == (
        "integer",
        1,
        500,
        100,
    )
    assert not parameter.optional


def test_nullable_parameter_is_optional_and_keeps_its_bounds() -> None:
    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None}
    parameter = Parameter.from_schema("max_depth", schema)
    assert (parameter.type, parameter.minimum, parameter.optional, parameter.default) == (
        "integer",
        1,
        True,
        None,
    )


@pytest.mark.parametrize("bound", ["minimum", "exclusiveMinimum"])
def test_inclusive_and_exclusive_minimum_are_read(bound: str) -> None:
    assert Parameter.from_schema("C", {"type": "number", bound: 0.5}).minimum == 0.5


def test_enumeration_becomes_choices() -> None:
    parameter = Parameter.from_schema(
        "weights", {"enum": ["uniform", "distance"], "type": "string", "default": "uniform"}
    )
    assert parameter.choices == ["uniform", "distance"]
