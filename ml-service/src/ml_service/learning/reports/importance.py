"""Permutation importance: the drop of the score when a feature's cells are shuffled (Breiman, 2001)."""

from typing import Any

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evaluation import Evaluation, Labels
from ml_service.learning.tables import Json

# Rows scored in all, whatever the number of features: this is the costly part of a report.
ROWS_SCORED = 6_000
MOST_ROWS, FEWEST_ROWS = 1_000, 20
MOST_REPEATS, FEATURES_TIMES_REPEATS = 3, 100


def importance(evaluation: Evaluation) -> list[Json]:
    """The mean drop of the main metric for each feature, and its spread; the largest first."""
    features = len(evaluation.positions)
    repeats = max(1, min(MOST_REPEATS, FEATURES_TIMES_REPEATS // features))
    room = ROWS_SCORED // (features * repeats)
    used = slice(max(FEWEST_ROWS, min(MOST_ROWS, room)))
    rows, labels = evaluation.rows[used], evaluation.labels[used]
    whole = quality(evaluation, labels, evaluation.scores[used])
    generator = np.random.default_rng(0)
    found: list[Json] = []
    for feature, positions in evaluation.positions.items():
        drops = [
            whole - quality(evaluation, labels, evaluation.score(_shuffle(rows, positions, generator)))
            for _ in range(repeats)
        ]
        found.append({"feature": feature, "mean": float(np.mean(drops)), "spread": float(np.std(drops))})
    return sorted(found, key=lambda each: -each["mean"])


def _shuffle(
    rows: Matrix, positions: Any, generator: np.random.Generator
) -> Matrix:  # Any: positions in a row
    """The numbers of one feature move together."""
    shuffled = rows.copy()
    shuffled[:, positions] = rows[generator.permutation(len(rows))][:, positions]
    return shuffled


def quality(evaluation: Evaluation, labels: Labels, scores: Matrix) -> float:
    """The main metric, without scikit-learn's checks, which would be paid hundreds of times."""
    if not evaluation.classes:
        spread = float(((labels - labels.mean()) ** 2).sum())
        return 1 - float(((labels - scores) ** 2).sum()) / spread if spread else 0.0
    return float(np.mean(labels == np.asarray(evaluation.classes, labels.dtype)[scores.argmax(axis=1)]))
