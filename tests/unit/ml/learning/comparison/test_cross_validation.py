"""Cross-validation of candidates."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from tests.support.tables import DATA, csv, line_table

from ml_service.learning.comparison.candidates import FOLDS
from ml_service.learning.comparison.cross_validation import cross_validate
from ml_service.learning.tables import DEFAULT_LIMITS, Json
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.errors import FitFailed

FEATURES = ["age", "bmi", "bp", "s1", "s5"]


def score(path: Path, **spec: Any) -> Json:
    stages: list[str] = []
    fields = {"params": {}, "features": FEATURES, "label": "target", **spec}
    result = cross_validate(path, TrainingSpec.from_json(fields), stages.append, DEFAULT_LIMITS)
    assert stages[:1] == ["reading"]
    return result


def test_regression_score_equals_scikit_learns() -> None:
    result = score(DATA / "diabetes.csv", model_type="linear", task="regression")
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


def test_classification_score_is_balanced_accuracy() -> None:
    spec = {"features": ["bill_length_mm", "bill_depth_mm", "island"], "label": "species"}
    result = score(DATA / "penguins.csv", model_type="logistic", task="classification", **spec)
    assert result["metric"] == "balanced_accuracy"
    assert 0.9 < result["score"] <= 1


def test_classes_smaller_than_the_number_of_folds_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(csv("x,kind", *(f"{n},{'abcdef'[n % 6]}" for n in range(24))))
    spec = {"features": ["x"], "label": "kind"}
    result = score(path, model_type="random_forest", task="classification", **spec)
    assert 0 <= result["score"] <= 1


def test_more_neighbours_than_rows_of_a_fold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    path.write_bytes(line_table(20))
    spec = {"features": ["x"], "label": "y", "params": {"n_neighbors": 15}}
    with pytest.raises(FitFailed):
        score(path, model_type="knn", task="regression", **spec)
