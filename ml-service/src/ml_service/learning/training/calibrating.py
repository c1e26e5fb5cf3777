"""How far off a fitted model is on rows that it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml_service.learning.model_types.protocol import Matrix, Scorer
from ml_service.learning.predictors.calibration import residuals, strangeness
from ml_service.learning.training.fitting import Part
from ml_service.learning.training.frames import Labels

# More make a limit no surer, and each model keeps a number for each.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows of the test part, prepared, with what the compiled model makes of them."""

    rows: Matrix
    labels: Labels
    scores: Matrix


def hold_out(test: Part, prepared: Any, score: Scorer) -> HeldOut:  # Any: scikit-learn's type
    """The split has shuffled the test part, so that its first rows are as good as any."""
    rows: Matrix = prepared.transform(test.frame.iloc[:MOST_ROWS])
    return HeldOut(rows, test.labels[:MOST_ROWS], score(rows))


def calibration_scores(held_out: HeldOut, classes: Sequence[str | int]) -> Matrix:
    """What a `Calibration` is made of."""
    if not classes:
        return residuals(held_out.scores, held_out.labels)
    strange = strangeness(held_out.rows, held_out.scores)
    places = {label: place for place, label in enumerate(classes)}
    labels = enumerate(held_out.labels.tolist())
    # A class that the training part lacks is as strange as can be.
    return np.array([strange[row, places[each]] if each in places else 1.0 for row, each in labels])
