"""How good a candidate is."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from tests.support.tables import DATA, csv, line_table

from ml_service.learning.comparison.candidates import FOLDS
from ml_service.learning.comparison.cross_validation import score_candidate
from ml_service.learning.tables import DEFAULT_LIMITS

FEATURES = ["age", "bmi", "bp", "s1", "s5"]


def score(path: Path, **spec: Any) -> dict[str, Any]:  # Any: JSON
    heard: list[str] = []
    order = {"params": {}, "features": FEATURES, "label": "target", **spec}
    answer = score_candidate(str(path), order, heard.append, DEFAULT_LIMITS)
    assert heard[:1] == ["reading"]
    return answer


def test_a_regression_is_scored_as_scikit_learn_would() -> None:
    result = score(DATA / "diabetes.csv", model_type="linear", task="regression")["result"]
    table = pd.read_csv(DATA / "diabetes.csv")
    rows, _ = train_test_split(np.arange(len(table)), train_size=0.8, random_state=0)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    training = table.iloc[rows]
    scores = cross_val_score(
        LinearRegression(), training[FEATURES], training["target"], cv=folds, scoring="r2"
    )
    assert result["metric"] == "r2_score"
    assert result["score"] == pytest.approx(scores.mean(), abs=1e-9)
    assert result["spread"] == pytest.approx(scores.std(), abs=1e-9)
    assert min(result["fit_seconds"], result["predict_seconds"]) > 0


def test_a_classification_is_scored_by_balanced_accuracy() -> None:
    spec = {"features": ["bill_length_mm", "bill_depth_mm", "island"], "label": "species"}
    result = score(DATA / "penguins.csv", model_type="logistic", task="classification", **spec)["result"]
    assert result["metric"] == "balanced_accuracy"
    assert 0.9 < result["score"] <= 1


def test_classes_may_all_be_smaller_than_there_are_folds(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(csv("x,kind", *(f"{n},{'abcdef'[n % 6]}" for n in range(24))))
    spec = {"features": ["x"], "label": "kind"}
    result = score(path, model_type="random_forest", task="classification", **spec)["result"]
    assert 0 <= result["score"] <= 1


def test_more_neighbours_than_a_fold_has_rows_is_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    path.write_bytes(line_table(20))
    spec = {"features": ["x"], "label": "y", "params": {"n_neighbors": 15}}
    answer = score(path, model_type="knn", task="regression", **spec)
    assert answer["error"]["code"] == "fit_failed"
