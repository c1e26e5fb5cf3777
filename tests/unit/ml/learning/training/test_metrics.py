"""Metrics of each model type on each table, compared with an independent preparation and scikit-learn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from tests.support.tables import DATA

from ml_service.learning.tables import read_csv
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

pytestmark = pytest.mark.slow

CLASSIFIERS: dict[str, Any] = {
    "knn": lambda: KNeighborsClassifier(algorithm="kd_tree"),
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "random_forest": lambda: RandomForestClassifier(20, random_state=0),
    "gradient_boosting": lambda: HistGradientBoostingClassifier(max_iter=20),
}
REGRESSORS: dict[str, Any] = {
    "knn": lambda: KNeighborsRegressor(algorithm="kd_tree"),
    "linear": LinearRegression,
    "random_forest": lambda: RandomForestRegressor(20, random_state=0),
    "gradient_boosting": lambda: HistGradientBoostingRegressor(max_iter=20),
}
# In few rows, leaves are smaller than those of scikit-learn.
PARAMS = {
    "random_forest": {"n_estimators": 20},
    "gradient_boosting": {"max_iter": 20, "min_samples_leaf": 20},
}
LABELS = {
    ("penguins", "species"): CLASSIFIERS,
    ("penguins", "year"): CLASSIFIERS,
    ("penguins", "body_mass_g"): REGRESSORS,
    ("cars", "Origin"): CLASSIFIERS,
    ("cars", "Cylinders"): CLASSIFIERS,
    ("cars", "Miles_per_Gallon"): REGRESSORS,
    ("seattle-weather", "weather"): CLASSIFIERS,
    ("seattle-weather", "temp_max"): REGRESSORS,
    ("wine", "target"): CLASSIFIERS,
    ("wine", "proline"): REGRESSORS,
    ("diabetes", "target"): REGRESSORS,
}
CASES = [(table, label, kind) for (table, label), kinds in LABELS.items() for kind in kinds]


@dataclass
class ExpectedMetrics:
    metrics: dict[str, float | None]
    baseline: dict[str, float | None]


def numeric_parts(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = frame.select_dtypes("number").astype(float)
    for name in frame.select_dtypes("datetime"):
        dates = frame[name]
        for part in ("year", "month", "day", "day_of_week"):
            numbers[f"{name} {part}"] = getattr(dates.dt, part).astype(float)
        numbers[f"{name} days"] = (dates - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    return numbers


def prepare(training: pd.DataFrame, frame: pd.DataFrame, scaled: bool) -> np.ndarray[Any, Any]:
    fitted, numbers = numeric_parts(training), numeric_parts(frame)
    filled = fitted.fillna(fitted.median())
    numbers = numbers.fillna(fitted.median())
    if scaled:
        numbers = (numbers - filled.mean()) / filled.std(ddof=0).replace(0, 1)
    columns = [numbers.to_numpy()]
    for name in frame.columns.difference(frame.select_dtypes(["number", "datetime"]).columns, sort=False):
        counts = training[name].value_counts()
        common = sorted(counts.index, key=lambda text, counts=counts: (-counts[text], text))[:50]
        columns.append(np.column_stack([(frame[name] == text).to_numpy(float) for text in sorted(common)]))
    return np.hstack(columns)


def roc_auc(actual: Any, probabilities: Any, classes: Any) -> float | None:
    if set(actual) != set(classes):
        return None  # the test set lacks a rare class of Cylinders
    return sk.roc_auc_score(
        actual, probabilities[:, 1] if len(classes) == 2 else probabilities, multi_class="ovr"
    )


def figures(estimator: Any, rows: Any, actual: Any, classifies: bool) -> dict[str, float | None]:
    predicted = estimator.predict(rows)
    metrics: dict[str, float | None] = {}
    if classifies:
        probabilities, classes = estimator.predict_proba(rows), estimator.classes_
        metrics = {
            "accuracy": np.mean(predicted == actual),
            "balanced_accuracy": np.mean([np.mean(predicted[actual == c] == c) for c in np.unique(actual)]),
            "precision_macro": sk.precision_score(actual, predicted, average="macro", zero_division=0),
            "recall_macro": sk.recall_score(actual, predicted, average="macro", zero_division=0),
            "f1_macro": sk.f1_score(actual, predicted, average="macro", zero_division=0),
            "roc_auc": roc_auc(actual, probabilities, classes),
            "log_loss": sk.log_loss(actual, probabilities, labels=classes),
        }
    if pd.api.types.is_numeric_dtype(actual):
        metrics["r2_score"] = sk.r2_score(actual, predicted)
        metrics["mean_squared_error"] = np.mean((actual - predicted) ** 2)
        metrics["mean_absolute_error"] = np.mean(abs(actual - predicted))
        metrics["root_mean_squared_error"] = np.sqrt(np.mean((actual - predicted) ** 2))
    return metrics


def recompute(table: str, label: str, model_type: str) -> ExpectedMetrics:
    frame = pd.read_csv(DATA / f"{table}.csv").dropna(subset=[label])
    for name in {"date", "Year"} & set(frame.columns):
        frame[name] = pd.to_datetime(frame[name])
    classifies = LABELS[table, label] is CLASSIFIERS
    labels = frame.pop(label).to_numpy()
    split = train_test_split(
        frame, labels, train_size=0.8, random_state=0, stratify=labels if classifies else None
    )
    training, test, training_labels, test_labels = split
    scaled = model_type not in PARAMS
    rows, test_rows = (prepare(training, part, scaled) for part in (training, test))
    fitted = LABELS[table, label][model_type]().fit(rows, training_labels)
    dummy = (DummyClassifier() if classifies else DummyRegressor()).fit(rows, training_labels)
    return ExpectedMetrics(
        figures(fitted, test_rows, test_labels, classifies),
        figures(dummy, test_rows, test_labels, classifies),
    )


def assert_same(actual: dict[str, float | None], expected: dict[str, float | None]) -> None:
    assert actual.keys() == expected.keys()
    assert [name for name in actual if actual[name] is None] == [n for n in expected if expected[n] is None]
    defined = {name: figure for name, figure in expected.items() if figure is not None}
    assert {name: actual[name] for name in defined} == pytest.approx(defined, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("table", "label", "model_type"), CASES)
def test_metrics_and_baseline_equal_scikit_learns(
    table: str, label: str, model_type: str, tmp_path: Path
) -> None:
    header = read_csv(DATA / f"{table}.csv").header
    features = tuple(name for name in header if name != label)
    spec = TrainingSpec(model_type, features, label, PARAMS.get(model_type, {}), missing_label="drop")
    result = train(DATA / f"{table}.csv", spec, tmp_path / "model")
    expected = recompute(table, label, model_type)
    assert_same(result.metrics, expected.metrics)
    assert_same(result.baseline, expected.baseline)
