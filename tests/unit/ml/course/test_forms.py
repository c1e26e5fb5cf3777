"""Training forms of the course API."""

import contextlib
import time

import pytest

from kit.errors import ServiceError
from ml_service.course.forms import FIRST, SECOND, read_form
from ml_service.learning.model_types import parse

FORM = {"model_type": "knn", "feature_cols": '["a", "b"]', "label_col": "y"}


def test_first_dialect_is_converted() -> None:
    form = FORM | {
        "optional_params": '{"n_neighbors": "3"}',
        "train_percentage": "0.7",
        "model_filename": "m",
    }
    training = read_form(form, FIRST, 5)
    assert (training.dataset_id, training.model_type, training.label, training.name) == (5, "knn", "y", "m")
    assert (training.features, training.params, training.train_fraction) == (
        ("a", "b"),
        {"n_neighbors": 3},
        0.7,
    )


def test_second_dialect_is_converted() -> None:
    form = {"model_name": "linear", "features": '["a"]', "label": "y", "model_params": ""}
    training = read_form(form, SECOND, 5)
    assert (training.model_type, training.features, training.label, training.params) == (
        "linear",
        ("a",),
        "y",
        {},
    )


def test_columns_may_be_separated_by_commas() -> None:
    assert read_form(FORM | {"feature_cols": "a, b ,c"}, FIRST, 5).features == ("a", "b", "c")


def test_missing_fields_have_defaults() -> None:
    training = read_form(FORM, FIRST, 5)
    assert (training.params, training.train_fraction, training.name) == ({}, 0.8, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_type": ""}, "model_type"),
        ({"feature_cols": " "}, "feature_cols"),
        ({"feature_cols": '["a"'}, "feature_cols"),
        ({"feature_cols": "[1, 2]"}, "feature_cols"),
        ({"label_col": ""}, "label_col"),
        ({"optional_params": "[1]"}, "optional_params"),
        ({"optional_params": "{'C': 1}"}, "optional_params"),
        ({"optional_params": '{"C": NaN}'}, "optional_params"),
        ({"train_percentage": "80%"}, "train_percentage"),
        ({"train_percentage": "0.7_5"}, "train_percentage"),
        ({"train_percentage": "٠.٧"}, "train_percentage"),
        ({"train_percentage": "1"}, "train_percentage"),
        ({"train_percentage": "0"}, "train_percentage"),
        ({"train_percentage": "nan"}, "train_percentage"),
    ],
)
def test_unusable_field_is_named(change: dict[str, str], field: str) -> None:
    with pytest.raises(ServiceError) as refused:
        read_form(FORM | change, FIRST, 5)
    assert (refused.value.status, refused.value.members["field"]) == (422, field)
    assert field in refused.value.detail


LONGEST_FIELD = 64 * 1024
HOSTILE = {
    "nested arrays": "[" * (LONGEST_FIELD // 2) + "]" * (LONGEST_FIELD // 2),
    "open brackets": "[" * LONGEST_FIELD,
    "nested objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "digits": "9" * LONGEST_FIELD,
    "exponent": '{"n_neighbors": 1e99999}',
    "whole number": '{"n_neighbors": ' + "9" * 60_000 + "}",
    "digits in a text": '{"n_neighbors": "' + "9" * 60_000 + '"}',
    "commas": "," * LONGEST_FIELD,
    "signs": "-" * LONGEST_FIELD,
    "lone surrogate": '["\\ud800"]',
    "fraction": "0." + "0" * 30_000 + "1" * 30_000,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", [*FORM, "optional_params", "train_percentage", "model_filename"])
def test_hostile_field_is_read_or_refused_at_once(field: str, value: str) -> None:
    began = time.perf_counter()
    # Any other error would be a 500.
    with contextlib.suppress(ServiceError):
        training = read_form(FORM | {field: value}, FIRST, 5)
        parse(training.model_type, training.params)
    assert time.perf_counter() - began < 0.2
