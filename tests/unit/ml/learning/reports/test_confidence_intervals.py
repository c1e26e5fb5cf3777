"""Confidence intervals of metrics: the bootstrap, and intervals of shares where it has no width."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk
from tests.support.evaluations import evaluation_of

from ml_service.learning.reports.confidence_intervals import confidence_intervals
from ml_service.learning.reports.evaluation import Evaluation
from ml_service.learning.reports.share_intervals import auc_limits, share_intervals
from ml_service.learning.training.metrics import classification_metrics, regression_metrics

SHARES = ("accuracy", "balanced_accuracy", "recall_macro", "precision_macro", "f1_macro", "roc_auc")


def classified(labels: Any, predicted: Any, classes: int = 2) -> Evaluation:
    """A model that predicts these codes with certainty."""
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    scores = np.eye(classes)[predicted]
    metrics = classification_metrics(labels, predicted, scores, range(classes))
    names = [f"class {code}" for code in range(classes)]
    return evaluation_of(np.array(names, object)[labels], scores, names, metrics)


def test_classification_interval_equals_resampling_with_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    scores = generator.dirichlet(np.ones(3), 120)
    labels = np.array(["a", "b", "c"], object)[[generator.choice(3, p=row) for row in scores]]
    predicted = np.array(["a", "b", "c"], object)[scores.argmax(axis=1)]
    figures: dict[str, Any] = {
        "f1_macro": lambda i: sk.f1_score(labels[i], predicted[i], average="macro"),
        "roc_auc": lambda i: sk.roc_auc_score(labels[i], scores[i], multi_class="ovr"),
        "log_loss": lambda i: sk.log_loss(labels[i], scores[i], labels=["a", "b", "c"]),
    }
    drawn = np.random.default_rng(0).integers(120, size=(200, 120))
    expected = {
        name: np.percentile([compute(rows) for rows in drawn], (2.5, 97.5))
        for name, compute in figures.items()
    }
    metrics = {name: float(compute(np.arange(120))) for name, compute in figures.items()}
    intervals = confidence_intervals(evaluation_of(labels, scores, ["a", "b", "c"], metrics))
    for name, interval in expected.items():
        assert intervals[name] == pytest.approx(tuple(interval), abs=1e-9), name


def test_regression_interval_equals_resampling_with_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    actual = generator.normal(50, 10, 80)
    predicted = actual + generator.normal(0, 5, 80)
    drawn = np.random.default_rng(0).integers(80, size=(200, 80))
    metrics = {"r2_score": float(sk.r2_score(actual, predicted))}
    intervals = confidence_intervals(evaluation_of(actual, predicted, metrics=metrics))
    expected = np.percentile([sk.r2_score(actual[rows], predicted[rows]) for rows in drawn], (2.5, 97.5))
    assert intervals["r2_score"] == pytest.approx(tuple(expected), abs=1e-9)


def test_accuracy_of_38_rows_all_right_begins_at_90_7_percent() -> None:
    codes = np.arange(38) % 2
    low, high = confidence_intervals(classified(codes, codes))["accuracy"]
    assert (low, high) == (pytest.approx(0.025 ** (1 / 38)), 1.0)
    assert f"{low:.3f}" == "0.907"


def test_accuracy_has_the_exact_interval_of_all_test_rows() -> None:
    codes = np.arange(50) % 2
    sampled = evaluation_of(codes, np.eye(2)[codes], [0, 1], {"accuracy": 0.9}, test_rows=1000)
    expected = binomtest(900, 1000).proportion_ci(0.95, "exact")
    assert share_intervals(sampled)["accuracy"] == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("classes", [2, 3])
def test_no_share_without_an_error_is_certain(classes: int) -> None:
    codes = np.arange(12 * classes) % classes
    intervals = confidence_intervals(classified(codes, codes, classes))
    for name in SHARES:
        low, high = intervals[name]
        assert low is not None, name
        assert 0.7 < low < 0.97, name
        assert high == 1.0, name


def test_metric_without_a_bound_has_no_interval_without_an_error() -> None:
    actual = np.linspace(3, 9, 40)
    predicted = actual + np.where(np.arange(40) % 2, 1e-15, 0)
    intervals = confidence_intervals(
        evaluation_of(actual, predicted, metrics=regression_metrics(actual, predicted))
    )
    assert set(intervals.values()) == {(None, None)}
    codes = np.arange(40) % 2
    assert confidence_intervals(classified(codes, codes))["log_loss"] == (None, None)


def test_small_numbers_have_an_interval() -> None:
    generator = np.random.default_rng(1)
    actual = generator.normal(0, 1e-9, 60)
    predicted = actual + generator.normal(0, 1e-10, 60)
    low, high = confidence_intervals(
        evaluation_of(actual, predicted, metrics=regression_metrics(actual, predicted))
    )["mean_squared_error"]
    assert low is not None
    assert high is not None
    assert 0 < low < high


def test_class_without_test_rows_is_no_share() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    intervals = confidence_intervals(classified(labels, labels, 3))
    assert intervals["balanced_accuracy"][0] == pytest.approx(intervals["recall_macro"][0])


def test_balanced_accuracy_is_covered_as_often_as_promised() -> None:
    recalls, rows, repeats = (0.97, 0.85), (30, 15), 400
    generator = np.random.default_rng(5)
    labels = np.repeat([0, 1], rows)
    right_shares = np.repeat(recalls, rows)
    truth, covered = sum(recalls) / 2, 0
    for _ in range(repeats):
        predicted = np.where(generator.random(len(labels)) < right_shares, labels, 1 - labels)
        low, high = share_intervals(classified(labels, predicted))["balanced_accuracy"]
        covered += low <= truth <= high
    assert 0.93 <= covered / repeats <= 0.99


@pytest.mark.parametrize("separation", [1.0, 4.0])
def test_area_under_the_curve_is_covered_as_often_as_promised(separation: float) -> None:
    from scipy.stats import norm

    truth, repeats, covered = norm.cdf(separation / np.sqrt(2)), 300, 0
    generator = np.random.default_rng(5)
    for _ in range(repeats):
        inside, outside = generator.normal(separation, 1, 12), generator.normal(0, 1, 20)
        area = float((inside[:, None] > outside[None, :]).mean())
        low, high = auc_limits(area, 12, 20)
        covered += low <= truth <= high
    assert covered / repeats >= 0.93


def test_limits_of_an_area_mirror_those_of_its_complement() -> None:
    low, high = auc_limits(0.8, 10, 14)
    assert auc_limits(0.2, 14, 10) == pytest.approx((1 - high, 1 - low))
