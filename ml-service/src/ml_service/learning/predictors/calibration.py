"""How far off a prediction may be, known from rows that the model was not fitted on.

This is split-conformal prediction. Intervals are as wide as the quantile of absolute residuals (Lei, G'Sell,
Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for Regression", JASA 2018). Sets
of labels are the least ambiguous ones (Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers
With Bounded Error Levels", JASA 2019), with ties drawn by lot as in smoothed conformal predictors (Vovk,
Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005). Either covers the true label of a new
row with the chosen probability, whatever the model.
"""

import math

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.tables.surveys import mix

# Far below any difference that matters between probabilities, far above their rounding.
A_LOT = 1e-9
# Of SplitMix64: without it nothing would come of zeros but zeros.
STRIDE = np.uint64(0x9E3779B97F4A7C15)


class Calibration:
    """What rows outside the fitting have shown."""

    def __init__(self, scores: Matrix) -> None:
        self._scores = np.sort(scores)

    def limit(self, coverage: float) -> float:
        """How strange a label may be and still belong; CoverageTooHigh where the rows are too few to say."""
        rows = len(self._scores)
        rank = math.ceil((rows + 1) * coverage - 1e-9)
        if rank > rows:
            raise CoverageTooHigh(rows, math.floor(100 * rows / (rows + 1)) / 100)
        return float(self._scores[rank - 1])


def residuals(values: Matrix, actual: Matrix) -> Matrix:
    return np.abs(values - actual)


def strangeness(rows: Matrix, probabilities: Matrix) -> Matrix:
    """How little each label of each row is expected. The same row always draws the same lots."""
    words = np.ascontiguousarray(rows).view(np.uint64)
    seeds = np.zeros(len(rows), np.uint64)
    for column in words.T:
        seeds = mix(seeds + column + STRIDE)
    labels = np.arange(probabilities.shape[1], dtype=np.uint64)
    lots = mix(seeds[:, None] + labels + STRIDE) / np.float64(2**64)
    return 1 - probabilities + A_LOT * lots
