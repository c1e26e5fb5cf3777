"""What a report is made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import Matrix, Scorer, Task

Labels = npt.NDArray[Any]  # Any: text, whole numbers or numbers
Codes = npt.NDArray[np.int64]
Json = dict[str, Any]  # Any: decoded JSON
Figures = Mapping[str, float | None]
Refit = Callable[[Matrix, Labels], Any]  # Any: a fitted estimator of scikit-learn


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fitted model and rows that it was not fitted on, prepared; `places` says which number is whose.

    `rows`, `labels` and `scores` are of the test part, or of as much of it as there is time for.
    """

    task: Task
    classes: Sequence[str | int]
    metrics: Figures
    baseline: Figures
    rows: Matrix
    labels: Labels
    scores: Matrix
    test_rows: int
    score: Scorer
    places: Mapping[str, Sequence[int]]
    strangeness: Matrix

    @property
    def values(self) -> Labels:
        """What is predicted."""
        if not self.classes:
            return self.scores
        return np.asarray(self.classes, dtype=self.labels.dtype)[self.scores.argmax(axis=1)]

    @property
    def known(self) -> list[str | int]:
        """The classes, and after them any that only the test part has."""
        return [*self.classes, *sorted(set(self.labels.tolist()) - set(self.classes))]

    @property
    def codes(self) -> Codes:
        """Each label's place among the known classes."""
        places = {label: place for place, label in enumerate(self.known)}
        return np.array([places[each] for each in self.labels.tolist()], np.int64)
