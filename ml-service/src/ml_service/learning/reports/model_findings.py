"""Findings about a model, beside those about its table."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ml_service.learning.findings.columns import Finding
from ml_service.learning.reports.evaluation import Evaluation

MOSTLY = 0.5

Moments = npt.NDArray[np.datetime64]


def find_in_model(evaluation: Evaluation) -> Iterator[Finding]:
    if (figures := worse_log_loss(evaluation)) is not None:
        own, baseline = figures
        yield Finding(
            "probabilities_worse_than_guessing",
            "warning",
            None,
            f"The log loss on test rows is {own:.4g}; always predicting the shares of the classes has "
            f"{baseline:.4g}. The model is often sure and wrong.",
            "Use its classes rather than its probabilities, or choose another model type or parameters.",
        )


def find_in_split(column: str, training: Moments, test: Moments) -> Iterator[Finding]:
    """A finding about a random split of rows with these times, of which NaT are ignored."""
    times = training[~np.isnat(training)]
    if not len(times) or not len(test):
        return
    first, last = times.min(), times.max()
    share = float(((test > first) & (test < last)).mean())
    if share >= MOSTLY:
        yield Finding(
            "random_split_of_dates",
            "warning",
            column,
            f"The split was at random: {100 * share:.3g}% of test rows lie between training rows in time, by "
            f"'{column}' from {_day(first)} to {_day(last)}. For predictions of later rows, the metrics "
            "are too good.",
            f"To predict later rows, train again with a split by time and the column '{column}'.",
        )


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))


def worse_log_loss(evaluation: Evaluation) -> tuple[float, float] | None:
    """The log loss of the model and of the baseline, if the model's is higher."""
    own, baseline = (figures.get("log_loss") for figures in (evaluation.metrics, evaluation.baseline))
    return (own, baseline) if own is not None and baseline is not None and own > baseline else None
