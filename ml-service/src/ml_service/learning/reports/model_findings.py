"""Findings about a model, beside those about its table."""

from collections.abc import Iterator

from ml_service.learning.findings.columns import Finding
from ml_service.learning.reports.evaluation import Evaluation


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


def worse_log_loss(evaluation: Evaluation) -> tuple[float, float] | None:
    """The log loss of the model and of the baseline, if the model's is higher."""
    own, baseline = (figures.get("log_loss") for figures in (evaluation.metrics, evaluation.baseline))
    return (own, baseline) if own is not None and baseline is not None and own > baseline else None
