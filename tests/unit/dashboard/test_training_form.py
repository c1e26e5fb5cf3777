"""Parameters of model types, read from their JSON Schema."""

import pytest

from dashboard.widgets.training_form import Parameter


def test_bounded_integer_is_read() -> None:
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 100, "description": "How many."}
    found = Parameter.from_schema("n_estimators", schema)
    assert (found.type, found.minimum, found.maximum, found.default) == ("integer", 1, 500, 100)
    assert not found.optional


def test_nullable_parameter_is_optional_and_keeps_its_bounds() -> None:
    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None}
    found = Parameter.from_schema("max_depth", schema)
    assert (found.type, found.minimum, found.optional, found.default) == ("integer", 1, True, None)


@pytest.mark.parametrize("bound", ["minimum", "exclusiveMinimum"])
def test_inclusive_and_exclusive_minimum_are_read(bound: str) -> None:
    assert Parameter.from_schema("C", {"type": "number", bound: 0.5}).minimum == 0.5


def test_enumeration_becomes_choices() -> None:
    found = Parameter.from_schema(
        "weights", {"enum": ["uniform", "distance"], "type": "string", "default": "uniform"}
    )
    assert found.choices == ["uniform", "distance"]
