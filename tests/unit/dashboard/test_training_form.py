"""The training form: parameters of model types, read from their JSON Schema, and the split."""

import pytest
from tests.unit.dashboard.conftest import RunPage

from dashboard.widgets.training_form import Parameter
from farebox.results.datasets import InspectedColumn, InspectedDataset


def dataset(**kinds: str) -> InspectedDataset:
    columns = [
        {"name": name, "kind": kind, "missing": 0, "whole": False, "distinct": 9, "top_values": []}
        | dict.fromkeys(("quantiles", "mean", "histogram"))
        for name, kind in kinds.items()
    ]
    return InspectedDataset.model_construct(
        id=3, columns=[InspectedColumn.model_validate(column) for column in columns]
    )


def show_split() -> None:
    import streamlit as st

    from dashboard.widgets.training_form import split_fields

    features = st.session_state.get("features", [])
    st.session_state["chosen"] = split_fields(st.session_state["dataset"], "price", features)


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


@pytest.mark.slow
def test_split_in_time_offers_dates_before_numbers(run_page: RunPage) -> None:
    app = run_page(show_split, {"dataset": dataset(rooms="number", town="text", sold="date", price="number")})
    assert app.session_state["chosen"] == {}
    assert "sold contains dates" in app.caption[0].value
    app.selectbox[0].set_value("time").run()
    assert app.selectbox[1].options == ["sold", "rooms"]
    assert app.session_state["chosen"] == {"split": {"by": "time", "column": "sold"}}


@pytest.mark.slow
def test_split_by_a_group_that_is_a_feature_is_remarked(run_page: RunPage) -> None:
    state = {"dataset": dataset(town="text", price="number"), "features": ["town"]}
    app = run_page(show_split, state)
    app.selectbox[0].set_value("group").run()
    assert app.session_state["chosen"] == {"split": {"by": "group", "column": "town"}}
    assert "take it out" in app.caption[0].value


@pytest.mark.slow
def test_table_without_times_is_split_at_random(run_page: RunPage) -> None:
    app = run_page(show_split, {"dataset": dataset(town="text", price="number")})
    app.selectbox[0].set_value("time").run()
    assert app.session_state["chosen"] == {}
    assert "split is random" in app.warning[0].value
