"""The form that a model's schema makes: one field for each feature, any of which may stay empty."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.columns import side_by_side
from dashboard.wording.figures import figure
from dashboard.wording.texts import plain
from farebox.results.models import ModelSchema

Feature = Mapping[str, Any]  # Any: what is known of a feature depends on its kind
Row = dict[str, str | int | float | None]
EMPTY = "left empty"


def ask_row(schema: ModelSchema) -> Row:
    """Starts as the model's own example."""
    features: Sequence[Feature] = schema.features
    row: Row = {}
    for column, feature in side_by_side(features):
        with column:
            name = str(feature["name"])
            row[name] = _ask(feature, key=f"feature-{schema.name}-{name}")
    return row


def _ask(feature: Feature, key: str) -> str | int | float | None:
    if key not in st.session_state:
        st.session_state[key] = _example(feature)
    label = plain(feature["name"])
    match feature["kind"]:
        case "text":
            return _ask_text(label, feature["categories"], key)
        case "date":
            return _ask_date(label, feature, key)
        case _:
            return _ask_number(label, feature, key)


def _ask_number(label: str, feature: Feature, key: str) -> int | float | None:
    whole = bool(feature.get("whole"))
    return st.number_input(
        label,
        value=None,
        step=1 if whole else None,
        format="%d" if whole else "%g",
        placeholder=EMPTY,
        help=_range(feature),
        key=key,
    )


def _ask_date(label: str, feature: Feature, key: str) -> str | None:
    day = st.date_input(
        label,
        value=None,
        min_value=datetime.date.min,
        max_value=datetime.date.max,
        help=_range(feature),
        key=key,
    )
    return day.isoformat() if day else None


def _ask_text(label: str, categories: Sequence[str], key: str) -> str | None:
    return st.selectbox(
        label, list(categories), index=None, placeholder=EMPTY, accept_new_options=True, key=key
    )


def _example(feature: Feature) -> datetime.date | int | float | str | None:
    example = feature.get("example")
    if example is None:
        return None
    if feature["kind"] == "date":
        return datetime.datetime.fromisoformat(str(example)).date()
    if feature["kind"] == "number":
        return int(example) if feature.get("whole") else float(example)
    return str(example)


def _range(feature: Feature) -> str | None:
    """What the model has seen; other values are allowed."""
    low, high = feature.get("minimum"), feature.get("maximum")
    if low is None or high is None:
        return None
    if feature["kind"] == "number":
        return f"{figure(low)} to {figure(high)} in the table it learnt from"
    return f"{plain(str(low)[:10])} to {plain(str(high)[:10])} in the table it learnt from"
