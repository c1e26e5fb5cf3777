"""95% confidence intervals of shares of test rows, which keep a width where the bootstrap has none.

- Accuracy: exact (Clopper and Pearson, 1934).
- Balanced accuracy, macro recall and macro precision are means of one share for each class, of rows that no
  other class has: Wilson's interval (1927) of each share, combined by the method of variance estimates
  recovery (Zou and Donner, 2008).
- Macro F1: Wilson's interval of each class's F1 (the "indirect" one of Lam, Gopal and Qian, 2023). An error
  counts in two classes, so the limits are averaged, as for shares that move together.
- ROC AUC: method 5 of Newcombe (2006), averaged over classes likewise.
"""

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evaluation import Codes, Evaluation

LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
ALMOST_ZERO = 1e-9

Limits = tuple[float, float]
# A share in the sample of test rows, with its limits.
Share = tuple[float, float, float]


def share_intervals(evaluation: Evaluation) -> dict[str, Limits]:
    """The interval of each metric of a classification that is a share; all lie within 0 and 1."""
    metrics, classes = evaluation.metrics, len(evaluation.all_classes)
    if not evaluation.classes:
        return {}
    pairs = evaluation.codes * classes + evaluation.scores.argmax(axis=1)
    confusion = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    narrowing = math.sqrt(len(evaluation.codes) / evaluation.test_rows)
    shares = {
        **_class_shares(confusion),
        "roc_auc": _auc_share(metrics.get("roc_auc"), np.bincount(evaluation.codes, minlength=classes)),
    }
    intervals = {
        name: _around(value, share, narrowing)
        for name, share in shares.items()
        if share is not None and (value := metrics.get(name)) is not None
    }
    if (accuracy := metrics.get("accuracy")) is not None:
        intervals["accuracy"] = exact_limits(round(accuracy * evaluation.test_rows), evaluation.test_rows)
    return intervals


def exact_limits(hits: int, rows: int) -> Limits:
    """The limits of Clopper and Pearson."""
    return _limits(hits, rows, "exact")


def wilson_limits(hits: int, rows: int) -> Limits:
    return _limits(hits, rows, "wilson")


def auc_limits(area: float, inside: int, outside: int) -> Limits:
    """Newcombe's limits of an area under a ROC curve, from the rows of the class and of all others."""

    # Slow to import, and stored reports need no more of this module than their code.
    from scipy.optimize import brentq

    def variance(true_area: float) -> float:
        larger = (1 - true_area) / (2 - true_area) + true_area / (1 + true_area)
        pairs = 1 + ((inside + outside) / 2 - 1) * larger
        return true_area * (1 - true_area) * pairs / (inside * outside)

    def distance(true_area: float) -> float:
        return (area - true_area) ** 2 - NORMAL_QUANTILE**2 * variance(true_area)

    # The variance is zero at both ends, which are no solutions.
    low = 0.0 if area <= 0 else brentq(distance, 0.0, min(area, 1 - ALMOST_ZERO))
    high = 1.0 if area >= 1 else brentq(distance, max(area, ALMOST_ZERO), 1.0)
    return float(low), float(high)


def _class_shares(confusion: Codes) -> dict[str, Share | None]:
    hits = np.diagonal(confusion)
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    either = actual + predicted - hits
    present = int((either > 0).sum())
    return {
        "balanced_accuracy": _mean_of_separate(hits, actual, int((actual > 0).sum())),
        "recall_macro": _mean_of_separate(hits, actual, present),
        "precision_macro": _mean_of_separate(hits, predicted, present),
        "f1_macro": _mean_f1(hits, either, present),
    }


def _mean_of_separate(hits: Codes, rows: Codes, classes: int) -> Share:
    """The mean over classes of shares that have no row in common; a class without rows counts as 0."""
    shares = [(hit / of, *wilson_limits(hit, of)) for hit, of in _pairs(hits, rows)]
    mean = sum(share for share, _, _ in shares) / classes
    below = math.hypot(*(share - low for share, low, _ in shares)) / classes
    above = math.hypot(*(high - share for share, _, high in shares)) / classes
    return mean, mean - below, mean + above


def _mean_f1(hits: Codes, either: Codes, classes: int) -> Share:
    """F1 is a function of the share of hits among the rows that are of a class or predicted as it."""

    def to_f1(share: float) -> float:
        return 2 * share / (1 + share)

    limits = [(hit / of, *wilson_limits(hit, of)) for hit, of in _pairs(hits, either)]
    mean, low, high = (sum(to_f1(share[end]) for share in limits) / classes for end in range(3))
    return mean, low, high


def _auc_share(area: float | None, rows_of_class: Codes) -> Share | None:
    rows = int(rows_of_class.sum())
    counts = [int(count) for count in rows_of_class if 0 < count < rows]
    if area is None or not counts:
        return None
    limits: Matrix = np.array([auc_limits(area, count, rows - count) for count in counts])
    low, high = limits.mean(axis=0).tolist()
    return area, low, high


def _pairs(hits: Codes, rows: Codes) -> Iterator[tuple[int, int]]:
    yield from ((int(hit), int(of)) for hit, of in zip(hits, rows, strict=True) if of)


def _around(value: float, share: Share, narrowing: float) -> Limits:
    """The limits around the metric of all test rows, which are more than the sample."""
    in_sample, low, high = share
    return (
        max(0.0, value - narrowing * (in_sample - low)),
        min(1.0, value + narrowing * (high - in_sample)),
    )


def _limits(hits: int, rows: int, method: Literal["exact", "wilson"]) -> Limits:
    from scipy.stats import binomtest

    limits = binomtest(hits, rows).proportion_ci(LEVEL, method)
    return float(limits.low), float(limits.high)
