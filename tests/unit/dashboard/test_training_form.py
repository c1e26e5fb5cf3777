import pytest

from dashboard.orders.parameters import Parameter


def test_a_bounded_integer_is_read() -> None:
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 100, "description": "How many."}
    read = Parameter.read("n_estimators", schema)
    assert (read.kind, read.minimum, read.maximum, read.default) == ("integer", 1, 500, 100)
    assert not read.optional


def test_one_that_may_be_null_is_optional_and_keeps_its_bounds() -> None:
    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None}
    read = Parameter.read("max_depth", schema)
    assert (read.kind, read.minimum, read.optional, read.default) == ("integer", 1, True, None)


@pytest.mark.parametrize("bound", ["minimum", "exclusiveMinimum"])
def test_both_sorts_of_bounds_are_known(bound: str) -> None:
    assert Parameter.read("C", {"type": "number", bound: 0.5}).minimum == 0.5


def test_an_enumeration_becomes_choices() -> None:
    read = Parameter.read(
        "weights", {"enum": ["uniform", "distance"], "type": "string", "default": "uniform"}
    )
    assert read.choices == ["uniform", "distance"]
