"""Split-conformal prediction: intervals and label sets, calibrated on rows outside the training set.

The half-width of intervals is a quantile of absolute residuals (Lei, G'Sell, Rinaldo, Tibshirani and
Wasserman, "Distribution-Free Predictive Inference for Regression", JASA 2018). Label sets are the least
ambiguous ones (Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers With Bounded Error
Levels", JASA 2019), with random tie-breaks as in smoothed conformal predictors (Vovk, Gammerman and Shafer,
"Algorithmic Learning in a Random World", 2005). For any model, both cover the true label of a new row with
the chosen probability.
"""

import math

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.tables.statistics import splitmix64

# Far below meaningful differences between probabilities, far above their rounding errors.
TIE_BREAK = 1e-9
# The increment of SplitMix64; without it, the hash of zero is zero.
STRIDE = np.uint64(0x9E3779B97F4A7C15)


class Calibration:
    """Sorted nonconformity scores of the calibration set."""

    def __init__(self, scores: Matrix) -> None:
        self._scores = np.sort(scores)

    def limit(self, coverage: float) -> float:
        """The largest score within the coverage; raises CoverageTooHigh if the rows are too few."""
        rows = len(self._scores)
        rank = math.ceil((rows + 1) * coverage - 1e-9)
        if rank > rows:
            raise CoverageTooHigh(rows, math.floor(100 * rows / (rows + 1)) / 100)
        return float(self._scores[rank - 1])


def residuals(values: Matrix, actual: Matrix) -> Matrix:
    return np.abs(values - actual)


def nonconformity(rows: Matrix, probabilities: Matrix) -> Matrix:
    """The score of each class for each row: one minus its probability, with a tie-break.

    Tie-breaks are hashes of the row, so that a row always has the same label set. Draws of a generator would
    depend on the other rows of the request.
    """
    words = np.ascontiguousarray(rows).view(np.uint64)
    seeds = np.zeros(len(rows), np.uint64)
    for column in words.T:
        seeds = splitmix64(seeds + column + STRIDE)
    labels = np.arange(probabilities.shape[1], dtype=np.uint64)
    tie_breaks = splitmix64(seeds[:, None] + labels + STRIDE) / np.float64(2**64)
    return 1 - probabilities + TIE_BREAK * tie_breaks
