"""What each column is worth: how much the score falls when its cells are shuffled (Breiman, 2001)."""

from typing import Any

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evidence import Evidence, Labels

# Rows scored in all, whatever the number of columns: this is the dear part of a report.
ROWS_SCORED = 6_000
MOST_ROWS, FEWEST_ROWS = 1_000, 20
MOST_REPEATS, COLUMNS_TIMES_REPEATS = 3, 100


def importance(evidence: Evidence) -> list[dict[str, Any]]:  # Any: JSON
    """The mean fall of the main metric for each original column, and its spread; the greatest first."""
    columns = len(evidence.places)
    repeats = max(1, min(MOST_REPEATS, COLUMNS_TIMES_REPEATS // columns))
    room = ROWS_SCORED // (columns * repeats)
    used = slice(max(FEWEST_ROWS, min(MOST_ROWS, room)))
    rows, labels = evidence.rows[used], evidence.labels[used]
    whole = quality(evidence, labels, evidence.scores[used])
    draw = np.random.default_rng(0)
    told: list[dict[str, Any]] = []  # Any: JSON
    for feature, places in evidence.places.items():
        falls = [
            whole - quality(evidence, labels, evidence.score(_shuffled(rows, places, draw)))
            for _ in range(repeats)
        ]
        told.append({"feature": feature, "mean": float(np.mean(falls)), "spread": float(np.std(falls))})
    return sorted(told, key=lambda each: -each["mean"])


def _shuffled(rows: Matrix, places: Any, draw: np.random.Generator) -> Matrix:  # Any: places in a row
    """Every number that comes from one column moves together."""
    shuffled = rows.copy()
    shuffled[:, places] = rows[draw.permutation(len(rows))][:, places]
    return shuffled


def quality(evidence: Evidence, labels: Labels, scores: Matrix) -> float:
    """The main metric, without what scikit-learn's checks cost hundreds of times over."""
    if not evidence.classes:
        spread = float(((labels - labels.mean()) ** 2).sum())
        return 1 - float(((labels - scores) ** 2).sum()) / spread if spread else 0.0
    return float(np.mean(labels == np.asarray(evidence.classes, labels.dtype)[scores.argmax(axis=1)]))
