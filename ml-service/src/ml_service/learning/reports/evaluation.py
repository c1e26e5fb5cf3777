"""Evaluation of a fitted model on test rows, with permutation importance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import Matrix, Scorer, Task
from ml_service.learning.tables import Json

# Limit of all scored rows, whatever the number of features: importance is the costly part of a report.
ROWS_SCORED = 6_000
MOST_ROWS, FEWEST_ROWS = 1_000, 20
MOST_REPEATS, FEATURES_TIMES_REPEATS = 3, 100

Labels = npt.NDArray[Any]  # Any: text, whole numbers or numbers
Codes = npt.NDArray[np.int64]
Metrics = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A fitted model with the test set, or with as much of it as time allows.

    `rows` are prepared; `labels` and `scores` belong to them, and `positions` lists each feature's columns in
    them. `test_rows` counts the whole test set.
    """

    task: Task
    classes: Sequence[str | int]
    metrics: Metrics
    baseline: Metrics
    rows: Matrix
    labels: Labels
    scores: Matrix
    test_rows: int
    score: Scorer
    positions: Mapping[str, Sequence[int]]
    nonconformity: Matrix

    @property
    def main_metric(self) -> str:
        """The metric of the verdict, the importance and the learning curve."""
        return "accuracy" if self.task == "classification" else "r2_score"

    @property
    def predictions(self) -> Labels:
        if not self.classes:
            return self.scores
        return np.asarray(self.classes, dtype=self.labels.dtype)[self.scores.argmax(axis=1)]

    @property
    def all_classes(self) -> list[str | int]:
        """The model's classes, followed by classes of the test set that the model lacks."""
        return [*self.classes, *sorted(set(self.labels.tolist()) - set(self.classes))]

    @property
    def codes(self) -> Codes:
        """Each label's position in `all_classes`."""
        positions = {label: position for position, label in enumerate(self.all_classes)}
        return np.array([positions[label] for label in self.labels.tolist()], np.int64)


def importance(evaluation: Evaluation) -> list[Json]:
    """Permutation importance (Breiman, 2001) of each feature, the largest first.

    `mean` and `spread` describe the drop of the main metric when the feature's cells are shuffled.
    """
    features = len(evaluation.positions)
    repeats = max(1, min(MOST_REPEATS, FEATURES_TIMES_REPEATS // features))
    room = ROWS_SCORED // (features * repeats)
    used = slice(max(FEWEST_ROWS, min(MOST_ROWS, room)))
    rows, labels = evaluation.rows[used], evaluation.labels[used]
    unshuffled = quality(evaluation, labels, evaluation.scores[used])
    generator = np.random.default_rng(0)
    drops_by_feature: list[Json] = []
    for feature, positions in evaluation.positions.items():
        # All repeats at once, because a call of a forest takes 5 ms on top of the time for the rows.
        shuffled = np.concatenate([_shuffle(rows, positions, generator) for _ in range(repeats)])
        parts = np.split(evaluation.score(shuffled), repeats)
        drops = [unshuffled - quality(evaluation, labels, scores) for scores in parts]
        drops_by_feature.append(
            {"feature": feature, "mean": float(np.mean(drops)), "spread": float(np.std(drops))}
        )
    return sorted(drops_by_feature, key=lambda feature: -feature["mean"])


def quality(evaluation: Evaluation, labels: Labels, scores: Matrix) -> float:
    """The main metric, without scikit-learn's input checks, whose cost would recur hundreds of times."""
    if not evaluation.classes:
        spread = float(((labels - labels.mean()) ** 2).sum())
        return 1 - float(((labels - scores) ** 2).sum()) / spread if spread else 0.0
    return float(np.mean(labels == np.asarray(evaluation.classes, labels.dtype)[scores.argmax(axis=1)]))


def _shuffle(
    rows: Matrix, positions: Any, generator: np.random.Generator
) -> Matrix:  # Any: positions in a row
    """Shuffle the columns of one feature together."""
    shuffled = rows.copy()
    shuffled[:, positions] = rows[generator.permutation(len(rows))][:, positions]
    return shuffled
