"""The verdict of a report in a sentence, and its table of metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from ml_service.learning.model_types.protocol import Task
from ml_service.learning.reports.confidence_intervals import Interval
from ml_service.learning.reports.evaluation import Metrics

LOWER_IS_BETTER = {"mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "log_loss"}
FEW_ROWS = 30


@dataclass(frozen=True, slots=True)
class Score:
    """The main metric of a model and of the baseline, `None` where it is undefined."""

    value: float | None
    interval: Interval
    baseline: float | None
    test_rows: int


def main_metric(task: Task) -> str:
    """The metric of verdicts, importance and learning curves."""
    return "accuracy" if task == "classification" else "r2_score"


def verdict(task: Task, score: Score) -> str:
    """The comparison of the model with the baseline."""
    low, high = score.interval
    if score.value is None or score.baseline is None or low is None or high is None:
        return f"{score.test_rows} test rows are too few to judge this model."
    compared = _compare(score.baseline, low, high)
    value = _percent(score.value)
    to = "-" if low >= 0 else " to "  # a dash before or after a minus sign is hard to read
    interval = f"(95% CI {100 * low:.1f}{to}{_percent(high)})"
    rough = f" With only {score.test_rows} test rows this is a rough estimate."
    rough = rough if score.test_rows < FEW_ROWS else ""
    if task == "classification":
        guess = f"{_percent(score.baseline)} for always guessing the most common class"
        return f"{compared}: {value} of test rows right {interval}, against {guess}.{rough}"
    return (
        f"{compared}: the model explains {value} of the label's variance {interval}; "
        f"always guessing the mean explains none.{rough}"
    )


def metric_rows(
    metrics: Metrics, baseline: Metrics, intervals: Mapping[str, Interval]
) -> list[dict[str, object]]:
    """Each metric with its interval and the baseline's, as the report lists them."""
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


def _compare(baseline: float, low: float, high: float) -> str:
    if low > baseline:
        return "Better than guessing"
    return "Worse than guessing" if high < baseline else "Not clearly better than guessing"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
