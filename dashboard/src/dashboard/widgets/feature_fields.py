"""Fields for the features of a row, in the kinds that fit the model's training data."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from dashboard.formatting import escape, number
from dashboard.layout import side_by_side
from farebox.results.models import ModelSchema

Feature = Mapping[str, Any]  # Any: the entries depend on the kind of the feature
Kind = Literal["boolean", "text", "date", "datetime", "time", "typed", "whole", "number"]
Row = dict[str, str | int | float | None]
EMPTY = "empty"
# Browsers have floats alone; the next whole number is rounded to this one.
LARGEST_EXACT = 2**53 - 1
FIRST_MOMENT, LAST_MOMENT = datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59)  # noqa: DTZ001 - local


def row_fields(schema: ModelSchema) -> Row | None:
    """A field for each feature, filled with the model's example; a field may stay empty.

    None if the value of a field cannot be sent; the field shows the reason.
    """
    features: Sequence[Feature] = schema.features
    row: Row = {}
    for column, feature in side_by_side(features):
        with column:
            name = str(feature["name"])
            row[name] = _field(feature, key=f"feature-{schema.name}-{name}")
            if is_rounded(row[name]):
                st.error("This number is too long to be exact. Use at most 15 digits.")
    return None if any(map(is_rounded, row.values())) else row


def is_rounded(value: object) -> bool:
    """True for a number that a browser may have rounded to this one."""
    return isinstance(value, int | float) and abs(value) > LARGEST_EXACT


def _field(feature: Feature, key: str) -> str | int | float | None:
    kind = _kind_of_field(feature)
    if key not in st.session_state:
        st.session_state[key] = _example(feature, kind)
    label, help_text = escape(feature["name"]), _range(feature, kind)
    match kind:
        case "boolean":
            return st.segmented_control(label, list(feature["categories"]), format_func=escape, key=key)
        case "text":
            return _text_field(label, feature["categories"], key)
        case "date" | "datetime":
            return _date_field(label, kind, help_text, key)
        case "time":
            moment = st.time_input(label, value=None, step=60, help=help_text, key=key)
            return moment.isoformat() if moment else None
        case "typed":
            return st.text_input(label, placeholder=EMPTY, help=help_text, key=key).strip() or None
        case "whole" | "number":
            return _number_field(label, kind == "whole", help_text, key)


def _kind_of_field(feature: Feature) -> Kind:
    """The kind of a field that loses nothing of the values in training; any value can be typed."""
    known = [feature[name] for name in ("minimum", "maximum", "example") if feature.get(name) is not None]
    if feature["kind"] == "text":
        is_boolean = feature.get("type") == "boolean" and len(feature["categories"]) <= 2
        return "boolean" if is_boolean else "text"
    if feature["kind"] == "date":
        times = {datetime.datetime.fromisoformat(str(moment)).time() for moment in known}
        if times <= {datetime.time()}:
            return "date"
        return "typed" if any(map(_has_seconds, times)) else "datetime"
    if feature.get("type") == "time":
        return "typed" if any(_has_seconds(_time_of_day(seconds)) for seconds in known) else "time"
    if any(map(is_rounded, known)):
        return "typed"
    return "whole" if feature.get("whole") else "number"


def _has_seconds(time: datetime.time) -> bool:
    """True for a time that fields of times, which have hours and minutes, would change."""
    return bool(time.second or time.microsecond)


def _number_field(label: str, whole: bool, help_text: str | None, key: str) -> int | float | None:
    return st.number_input(
        label,
        value=None,
        step=1 if whole else None,
        format="%d" if whole else "%g",
        placeholder=EMPTY,
        help=help_text,
        key=key,
    )


def _date_field(label: str, kind: str, help_text: str | None, key: str) -> str | None:
    if kind == "datetime":
        moment = st.datetime_input(
            label,
            value=None,
            min_value=FIRST_MOMENT,
            max_value=LAST_MOMENT,
            step=60,
            help=help_text,
            key=key,
        )
    else:
        moment = st.date_input(
            label,
            value=None,
            min_value=datetime.date.min,
            max_value=datetime.date.max,
            help=help_text,
            key=key,
        )
    return moment.isoformat() if moment else None


def _text_field(label: str, categories: Sequence[str], key: str) -> str | None:
    return st.selectbox(
        label, list(categories), index=None, placeholder=EMPTY, accept_new_options=True, key=key
    )


def _example(feature: Feature, kind: Kind) -> object:
    """The example as the value of a field of this kind."""
    example = feature.get("example")
    if example is None:
        return "" if kind == "typed" else None
    match kind:
        case "date":
            return datetime.datetime.fromisoformat(str(example)).date()
        case "datetime":
            return datetime.datetime.fromisoformat(str(example))
        case "time":
            return _time_of_day(example)
        case "whole":
            return int(example)
        case "number":
            return float(example)
        case _:
            return _time_of_day(example).isoformat() if feature.get("type") == "time" else str(example)


def _time_of_day(seconds: float) -> datetime.time:
    return (FIRST_MOMENT + datetime.timedelta(seconds=seconds)).time()


def _range(feature: Feature, kind: Kind) -> str | None:
    """Help text: the range of the training data; other values are allowed."""
    low, high = feature.get("minimum"), feature.get("maximum")
    if low is None or high is None:
        return None
    if feature.get("type") == "time":
        span = f"{_time_of_day(low)} to {_time_of_day(high)}"
    elif feature["kind"] == "number":
        span = f"{number(low)} to {number(high)}"
    else:
        length = 10 if kind == "date" else 19
        span = " to ".join(escape(str(moment)[:length].replace("T", " ")) for moment in (low, high))
    return f"{span} in the training data"
