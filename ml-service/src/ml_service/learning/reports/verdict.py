"""What a report says in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from ml_service.learning.model_types.protocol import Task
from ml_service.learning.reports.bootstrap import Interval

LOWER_IS_BETTER = {"mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "log_loss"}
FEW_ROWS = 30


def main_metric(task: Task) -> str:
    """The one that verdicts, importance and learning curves go by."""
    return "accuracy" if task == "classification" else "r2_score"


@dataclass(frozen=True, slots=True)
class Score:
    """The main metric of a model and of the baseline, `None` where it cannot be told."""

    value: float | None
    interval: Interval
    baseline: float | None
    test_rows: int


def verdict(task: Task, score: Score) -> str:
    """Whether the model beats the baseline, in words."""
    low, high = score.interval
    if score.value is None or score.baseline is None or low is None or high is None:
        return f"{score.test_rows} test rows are too few to say how good this model is."
    told = f"{_percent(score.value)} ({_percent(low)} to {_percent(high)} with 95 % confidence)"
    compared = _compare(score.baseline, low, high)
    few = f" With only {score.test_rows} test rows this is a rough guide."
    rough = few if score.test_rows < FEW_ROWS else ""
    if task == "classification":
        usual = f"always guessing the most common class for {_percent(score.baseline)}"
        return f"{compared}: right for {told} of the test rows, {usual}.{rough}"
    return (
        f"{compared}: explains {told} of how the label varies; always guessing the mean explains none.{rough}"
    )


def _compare(guess: float, low: float, high: float) -> str:
    if low > guess:
        return "Better than guessing"
    return "Worse than guessing" if high < guess else "Not surely better than guessing"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def metric_rows(
    metrics: Mapping[str, float | None],
    baseline: Mapping[str, float | None],
    intervals: Mapping[str, Interval],
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
