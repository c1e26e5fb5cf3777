"""Metrics of challenges, computed by scikit-learn, and their spread by the bootstrap (Efron, 1979)."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.challenges.metric_rules import MetricName
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.confidence_intervals import (
    BOUNDS,
    TINY,
    resampled_errors,
    resampled_f1,
    resampled_roc_auc,
)

REPEATS, MOST_ROWS = 200, 1_000
DIGITS = 12

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]  # Any: codes or numbers


@dataclass(frozen=True, slots=True)
class Truth:
    """The labels of hidden rows: codes of `classes`, or numbers if there are none."""

    labels: Numbers
    classes: int = 0

    def take(self, rows: Codes) -> "Truth":
        return Truth(self.labels[rows], self.classes)


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard error of a metric, and its 95% interval; None where resamples leave it undefined."""

    error: float | None = None
    low: float | None = None
    high: float | None = None


def compute(metric: MetricName, truth: Truth, scores: Matrix) -> float | None:
    """The metric to 12 significant digits, on which all workers agree; None if it is undefined.

    `scores` has the probability of each class, or predicted numbers.
    """
    value = _compute(metric, truth, scores)
    return None if value is None else float(f"{value:.{DIGITS}g}")


def baseline(metric: MetricName, training: Truth, hidden: Truth) -> float | None:
    """The metric of the mean, or of the shares of classes, of the rows to train on."""
    if not training.classes:
        return compute(metric, hidden, np.full(len(hidden.labels), training.labels.mean()))
    shares = np.bincount(training.labels, minlength=training.classes) / len(training.labels)
    return compute(metric, hidden, np.tile(shares, (len(hidden.labels), 1)))


def spread(metric: MetricName, truth: Truth, scores: Matrix) -> Spread:
    """The bootstrap over hidden rows; of a sample of them, the spread is narrowed to that of all."""
    rows, random = min(len(truth.labels), MOST_ROWS), np.random.default_rng(0)
    # Drawn, since files are often sorted by the label.
    sample = np.sort(random.choice(len(truth.labels), rows, replace=False))
    drawn = random.integers(rows, size=(REPEATS, rows))
    counts = [np.bincount(resample, minlength=rows) for resample in drawn]
    weights = np.stack([np.ones(rows), *counts]).astype(np.float64)
    with np.errstate(all="ignore"):
        figures = _resampled(metric, truth.take(sample), scores[sample], weights)
    original, resamples = figures[0], figures[1:][np.isfinite(figures[1:])]
    value = compute(metric, truth, scores)
    if value is None or not math.isfinite(original) or len(resamples) < REPEATS // 2:
        return Spread()
    narrowing = math.sqrt(rows / len(truth.labels))
    low, high = value + narrowing * (np.percentile(resamples, BOUNDS) - original)
    return Spread(float(narrowing * np.std(resamples)), float(low), float(high))


def _resampled(metric: MetricName, truth: Truth, scores: Matrix, weights: Matrix) -> Matrix:
    """The metric of each resample, all at once: scikit-learn would take seconds for 200 of them."""
    labels, rows = truth.labels, weights.shape[1]
    if not truth.classes:
        errors = resampled_errors(labels, scores, weights)
        return errors["r2_score" if metric == "r2" else metric]
    hits = (scores.argmax(axis=1) == labels).astype(np.float64)
    match metric:
        case "f1_macro":
            return resampled_f1(labels, scores.argmax(axis=1), truth.classes, weights)
        case "roc_auc":
            return resampled_roc_auc(labels, scores, weights)
        case "log_loss":
            own = scores[np.arange(rows), labels]
            return weights @ -np.log(own.clip(TINY, 1 - TINY)) / rows
        case "balanced_accuracy":
            belongs = np.eye(truth.classes)[labels]
            return np.nanmean((weights * hits) @ belongs / (weights @ belongs), axis=1)
        case _:
            return weights @ hits / rows


def _compute(metric: MetricName, truth: Truth, scores: Matrix) -> float | None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = float(_by_scikit_learn(metric, truth, scores))
        except ValueError:
            return None
    return value if math.isfinite(value) else None


def _by_scikit_learn(metric: MetricName, truth: Truth, scores: Matrix) -> float:
    from sklearn import metrics as sk

    labels, codes = truth.labels, list(range(truth.classes))
    match metric:
        case "r2":
            return sk.r2_score(labels, scores)
        case "root_mean_squared_error":
            return sk.root_mean_squared_error(labels, scores)
        case "mean_absolute_error":
            return sk.mean_absolute_error(labels, scores)
        case "log_loss":
            return sk.log_loss(labels, scores, labels=codes)
        case "roc_auc":
            if truth.classes == 2:
                return sk.roc_auc_score(labels, scores[:, 1])
            return sk.roc_auc_score(labels, scores, multi_class="ovr", average="macro", labels=codes)
        case "accuracy":
            return sk.accuracy_score(labels, scores.argmax(axis=1))
        case "balanced_accuracy":
            return sk.balanced_accuracy_score(labels, scores.argmax(axis=1))
        case "f1_macro":
            return sk.f1_score(labels, scores.argmax(axis=1), average="macro", zero_division=0)
