"""The preparation of many rows equals scikit-learn's."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml_service.learning.tables import Column, ColumnType
from ml_service.learning.training import preparation
from ml_service.learning.training.preparation import encode_labels, fit_preparation, make_preparation

KINDS: dict[str, ColumnType] = {
    "even": "number",
    "gaps": "number",
    "empty": "number",
    "day": "date",
    "colour": "text",
}


def frame(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"even": random.normal(size=rows), "gaps": random.normal(size=rows), "empty": np.nan}
    )
    table["day"] = pd.Timestamp(2020, 1, 1) + pd.to_timedelta(random.integers(0, 900, rows), "D")
    table["colour"] = random.choice(np.array(["red", "blue", None], object), rows)
    table.loc[::3, "gaps"] = np.nan
    table.loc[::5, "day"] = pd.NaT
    return table


def learned(fitted: Any) -> list[Any]:  # Any: a preparation; its arrays
    steps = [
        step for name in ("number", "date") for step in fitted.named_transformers_[name].named_steps.values()
    ]
    names = (
        "statistics_",
        "mean_",
        "var_",
        "scale_",
        "n_samples_seen_",
        "feature_names_in_",
        "n_features_in_",
    )
    return [
        np.asarray(getattr(step, name)).tolist() for step in steps for name in names if hasattr(step, name)
    ]


@pytest.mark.parametrize("rows", [3, 100, 101])
@pytest.mark.parametrize("scaled", [True, False])
def test_many_rows_are_prepared_as_by_scikit_learn(
    rows: int, scaled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = frame(rows)
    expected, actual = (make_preparation(table, KINDS, scaled) for _ in range(2))
    expected_rows = expected.fit_transform(table)
    monkeypatch.setattr(preparation, "MANY_ROWS", 1)
    assert np.array_equal(fit_preparation(actual, table), expected_rows)
    assert learned(actual) == learned(expected)


def test_codes_of_texts_follow_their_sorted_classes() -> None:
    cells = pa.chunked_array([["b", "a"], ["é", "b", "Z"]])
    classes, codes = encode_labels(Column("y", "text", 0, False, cells), "classification")
    expected_classes, expected_codes = np.unique(np.array(cells.to_pylist(), object), return_inverse=True)
    assert (classes.tolist(), codes.tolist()) == (expected_classes.tolist(), expected_codes.tolist())


def test_codes_of_numbers_follow_their_sorted_classes() -> None:
    cells = pa.chunked_array([[7, 2**60, 7, -1]])
    classes, codes = encode_labels(Column("y", "number", 0, True, cells), "classification")
    assert (classes.tolist(), codes.tolist()) == ([-1, 7, 2**60], [1, 2, 1, 0])
