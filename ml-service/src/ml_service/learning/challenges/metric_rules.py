"""Rules of the metrics of challenges: their tasks, their direction, skill, and the digits that are shown."""

import math
from typing import Literal, cast

MetricName = Literal[
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "roc_auc",
    "log_loss",
    "r2",
    "root_mean_squared_error",
    "mean_absolute_error",
]
REGRESSION = frozenset({"r2", "root_mean_squared_error", "mean_absolute_error"})
LOWER_IS_BETTER = frozenset({"log_loss", "root_mean_squared_error", "mean_absolute_error"})


def task_of(metric: str) -> Literal["classification", "regression"]:
    return "regression" if metric in REGRESSION else "classification"


def metric_named(name: str) -> MetricName:
    return cast("MetricName", name)


def skill(metric: str, score: float, baseline: float) -> float:
    """The part of the way from the baseline to a perfect score; at most 1, and below 0 for a worse score."""
    perfect = 0.0 if metric in LOWER_IS_BETTER else 1.0
    return (score - baseline) / (perfect - baseline) if perfect != baseline else 0.0


def round_to_error(score: float, error: float | None) -> float:
    """The score rounded to the digit of its standard error, since a board knows no more digits.

    A score without a known error keeps four digits.
    """
    if error is None or error <= 0:
        return round(score, 4)
    return round(score, -math.floor(math.log10(error)))
