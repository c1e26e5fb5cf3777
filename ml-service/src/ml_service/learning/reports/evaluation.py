"""An evaluation: a fitted model and test rows, from which every part of a report is computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import Matrix, Scorer, Task

Labels = npt.NDArray[Any]  # Any: text, whole numbers or numbers
Codes = npt.NDArray[np.int64]
Metrics = Mapping[str, float | None]
Refit = Callable[[Matrix, Labels], Any]  # Any: a fitted estimator of scikit-learn


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`rows`, `labels` and `scores` belong to the test set, or to as much of it as there is time for.

    Rows are prepared; `positions` names the numbers of a row that each feature became.
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
    def values(self) -> Labels:
        """The predictions."""
        if not self.classes:
            return self.scores
        return np.asarray(self.classes, dtype=self.labels.dtype)[self.scores.argmax(axis=1)]

    @property
    def all_classes(self) -> list[str | int]:
        """The model's classes, and after them those that only the test set has."""
        return [*self.classes, *sorted(set(self.labels.tolist()) - set(self.classes))]

    @property
    def codes(self) -> Codes:
        """Each label's position in `all_classes`."""
        positions = {label: position for position, label in enumerate(self.all_classes)}
        return np.array([positions[each] for each in self.labels.tolist()], np.int64)
