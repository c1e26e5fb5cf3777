"""Evaluations of imagined models, for tests of what a report makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml_service.learning.reports.evaluation import Evaluation


def evaluation_of(
    labels: Any,  # Any: an array of labels of any type
    scores: Any,  # Any: an array of probabilities or values
    classes: Sequence[str | int] = (),
    metrics: Mapping[str, float | None] | None = None,
    **members: Any,  # Any: other members of an evaluation
) -> Evaluation:
    """An evaluation on all of its test rows, of a model of these classes, or of numbers without any."""
    given: dict[str, Any] = {
        "task": "classification" if classes else "regression",
        "classes": classes,
        "metrics": dict(metrics or {}),
        "baseline": {},
        "rows": np.zeros((len(labels), 1)),
        "labels": labels,
        "scores": scores,
        "test_rows": len(labels),
        "score": lambda rows: rows,
        "positions": {},
        "nonconformity": np.zeros(len(labels)),
    }
    return Evaluation(**{**given, **members})
