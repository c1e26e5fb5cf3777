"""Report on a model in plain values: verdict, metrics, curves, findings and measured coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml_service.learning.model_types.protocol import Matrix, Task
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.reports.confidence_intervals import Interval, confidence_intervals
from ml_service.learning.reports.curves import confusion_matrix, curves, predicted_actual, residuals
from ml_service.learning.reports.evaluation import Evaluation, Metrics, importance
from ml_service.learning.reports.model_findings import find_in_model, worse_log_loss
from ml_service.learning.reports.partial_fits import TrainingSet, learning_curve
from ml_service.learning.tables import Json

COVERAGE = 0.9
FOLDS = 5
FEW_ROWS = 30
PERFECT = 1 - 1e-9
LOWER_IS_BETTER = {"mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "log_loss"}


@dataclass(frozen=True, slots=True)
class Score:
    """The main metric of a model and of the baseline; None stands for an undefined value."""

    value: float | None
    interval: Interval
    baseline: float | None
    test_rows: int


def make_report(evaluation: Evaluation, training: TrainingSet, findings: Sequence[Json]) -> Json:
    """The report without the model's description and recipe."""
    intervals = confidence_intervals(evaluation)
    main = evaluation.main_metric
    score = Score(
        evaluation.metrics[main],
        intervals.get(main, (None, None)),
        evaluation.baseline[main],
        evaluation.test_rows,
    )
    return {
        "verdict": _verdict(evaluation.task, score) + _verdict_on_probabilities(evaluation),
        "metrics": _metric_rows(evaluation.metrics, evaluation.baseline, intervals),
        "confusion_matrix": confusion_matrix(evaluation),
        **curves(evaluation),
        "residuals": residuals(evaluation),
        "predicted_actual": predicted_actual(evaluation),
        "importance": importance(evaluation),
        "learning": learning_curve(training, evaluation),
        "findings": [*map(asdict, find_in_model(evaluation)), *findings],
        "intervals": _measured_coverage(evaluation.nonconformity),
    }


def complete_report(report: Json, model: str, created_at: str, description: Mapping[str, Any]) -> Json:
    """The stored report with facts that were unknown during training, and the size of its sample.

    The model's description has the leaderboard of a comparison, and a verdict that takes it into account.
    """
    return {
        "model": model,
        "created_at": created_at,
        **report,
        "verdict": description.get("verdict", report["verdict"]),
        "evaluated_rows": report["recipe"]["calibration_rows"],
        "leaderboard": description.get("leaderboard"),
    }


def _verdict(task: Task, score: Score) -> str:
    """A sentence that compares the model with the baseline."""
    low, high = score.interval
    is_rough = score.test_rows < FEW_ROWS
    is_perfect = score.value is not None and score.value > PERFECT and not is_rough
    if score.value is None or score.baseline is None or (None in score.interval and not is_perfect):
        return f"{score.test_rows} test rows are too few to judge this model."
    value = _percent(score.value)
    if low is None or high is None:
        compared, interval = _compare(score.baseline, score.value, score.value), "(no test row has an error)"
    else:
        compared = _compare(score.baseline, low, high)
        to = "-" if low >= 0 else " to "  # a dash before or after a minus sign is hard to read
        interval = f"(95% CI {100 * low:.1f}{to}{_percent(high)})"
    rough = f" With only {score.test_rows} test rows this is a rough estimate." if is_rough else ""
    if task == "classification":
        guess = f"{_percent(score.baseline)} for always guessing the most common class"
        return f"{compared}: {value} of test rows right {interval}, against {guess}.{rough}"
    return (
        f"{compared}: the model explains {value} of the label's variance {interval}; "
        f"always guessing the mean explains none.{rough}"
    )


def _verdict_on_probabilities(evaluation: Evaluation) -> str:
    figures = worse_log_loss(evaluation)
    if figures is None:
        return ""
    return (
        f" Its probabilities are worse than guessing: log loss {figures[0]:.4g}, baseline {figures[1]:.4g}."
    )


def _compare(baseline: float, low: float, high: float) -> str:
    if low > baseline:
        return "Better than guessing"
    return "Worse than guessing" if high < baseline else "Not clearly better than guessing"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _metric_rows(
    metrics: Metrics, baseline: Metrics, intervals: Mapping[str, Interval]
) -> list[dict[str, object]]:
    """Each metric with its confidence interval and the baseline's value."""
    return [
        {
            "name": name,
            "value": value,
            "low": intervals.get(name, (None, None))[0],
            "high": intervals.get(name, (None, None))[1],
            "baseline": baseline[name],
            "higher_is_better": name not in LOWER_IS_BETTER,
        }
        for name, value in metrics.items()
    ]


def _measured_coverage(nonconformity: Matrix) -> Json | None:
    """The coverage of each fifth of the rows, calibrated on the other four; None for too few rows."""
    folds = np.array_split(nonconformity, FOLDS)
    covered = 0
    for number, fold in enumerate(folds):
        try:
            limit = Calibration(np.concatenate(folds[:number] + folds[number + 1 :])).limit(COVERAGE)
        except CoverageTooHigh:
            return None
        covered += int((fold <= limit).sum())
    rows = len(nonconformity)
    return {
        "coverage_nominal": COVERAGE,
        "coverage_measured": covered / rows,
        "calibration_rows": rows,
    }
