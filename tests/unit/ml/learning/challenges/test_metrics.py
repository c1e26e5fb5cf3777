"""Metrics of challenges equal scikit-learn's to the stored digits, and their spread covers them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from ml_service.learning.challenges.metric_rules import MetricName
from ml_service.learning.challenges.metrics import REPEATS, Truth, baseline, compute, spread
from ml_service.learning.model_types.protocol import Matrix

ROWS, DIGITS = 400, 12
Reference = Callable[[Any, Matrix], float]

CLASSIFICATION: dict[MetricName, Reference] = {
    "accuracy": lambda y, p: sk.accuracy_score(y, p.argmax(axis=1)),
    "balanced_accuracy": lambda y, p: sk.balanced_accuracy_score(y, p.argmax(axis=1)),
    "f1_macro": lambda y, p: sk.f1_score(y, p.argmax(axis=1), average="macro"),
    "log_loss": lambda y, p: sk.log_loss(y, p),
    "roc_auc": lambda y, p: (
        sk.roc_auc_score(y, p[:, 1]) if p.shape[1] == 2 else sk.roc_auc_score(y, p, multi_class="ovr")
    ),
}
REGRESSION: dict[MetricName, Reference] = {
    "r2": sk.r2_score,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "mean_absolute_error": sk.mean_absolute_error,
}


def classified(classes: int, rows: int = ROWS) -> tuple[Truth, Matrix]:
    draw = np.random.default_rng(classes)
    labels = draw.integers(classes, size=rows)
    odds = draw.random((rows, classes)) + np.eye(classes)[labels]
    return Truth(labels, classes), odds / odds.sum(axis=1, keepdims=True)


def measured(rows: int = ROWS) -> tuple[Truth, Matrix]:
    draw = np.random.default_rng(0)
    labels = draw.normal(size=rows)
    return Truth(labels), labels + draw.normal(scale=0.5, size=rows)


def digits(value: float) -> str:
    return f"{value:.{DIGITS}g}"


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_metric_of_classes_is_scikit_learns(metric: MetricName, classes: int) -> None:
    truth, scores = classified(classes)
    value = compute(metric, truth, scores)
    assert value is not None
    assert digits(value) == digits(CLASSIFICATION[metric](truth.labels, scores))
    around = spread(metric, truth, scores)
    assert around.low is not None
    assert around.high is not None
    assert around.low <= value <= around.high
    assert around.error is not None
    assert around.high - around.low == pytest.approx(4 * around.error, rel=0.3)


@pytest.mark.parametrize("metric", REGRESSION)
def test_metric_of_numbers_is_scikit_learns(metric: MetricName) -> None:
    truth, scores = measured()
    value = compute(metric, truth, scores)
    assert value is not None
    assert digits(value) == digits(REGRESSION[metric](truth.labels, scores))
    around = spread(metric, truth, scores)
    assert around.low is not None
    assert around.high is not None
    assert around.low <= value <= around.high


def test_more_rows_than_are_resampled_narrow_the_interval() -> None:
    errors = [spread("accuracy", *classified(2, rows)).error for rows in (1_000, 16_000)]
    assert errors[0] is not None
    assert errors[1] is not None
    assert errors[1] == pytest.approx(errors[0] / 4, rel=0.3)
    assert REPEATS >= 100


def test_spread_of_a_file_sorted_by_the_label_is_that_of_a_mixed_one() -> None:
    truth, scores = classified(2, 8_000)
    order = np.argsort(truth.labels, kind="stable")
    mixed = spread("roc_auc", truth, scores)
    by_label = spread("roc_auc", truth.take(order), scores[order])
    assert mixed.error is not None
    assert by_label.error == pytest.approx(mixed.error, rel=0.3)


def test_undefined_metric_is_none() -> None:
    one_class = Truth(np.zeros(10, np.int64), 2)
    assert compute("roc_auc", one_class, np.full((10, 2), 0.5)) is None
    assert compute("r2", Truth(np.zeros(1)), np.zeros(1)) is None
    assert spread("roc_auc", one_class, np.full((10, 2), 0.5)).low is None


def test_baseline_is_that_of_the_shares_of_classes_or_of_the_mean() -> None:
    training, hidden = Truth(np.array([0, 0, 0, 1]), 2), Truth(np.array([0, 1]), 2)
    assert baseline("accuracy", training, hidden) == 0.5
    expected = -(math.log(0.75) + math.log(0.25)) / 2
    assert baseline("log_loss", training, hidden) == pytest.approx(expected)
    assert baseline("mean_absolute_error", Truth(np.array([1.0, 3.0])), Truth(np.array([2.0, 4.0]))) == 1
