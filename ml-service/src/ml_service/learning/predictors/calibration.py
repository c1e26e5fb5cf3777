"""Split-conformal prediction: intervals and label sets, calibrated on rows outside the training set.

The half-width of an interval is a quantile of absolute residuals, each divided by the size that errors have
near its prediction: normalised nonconformity scores (Papadopoulos, Gammerman and Vovk, "Normalized
Nonconformity Measures for Regression Conformal Prediction", AIA 2008), also known as locally weighted (Lei,
G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for Regression", JASA 2018,
5.2). Label sets are the least ambiguous ones (Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued
Classifiers With Bounded Error Levels", JASA 2019), with random tie-breaks as in smoothed conformal predictors
(Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005). For any model, both cover the
true label of a new row with the chosen probability.
"""

import math
from dataclasses import dataclass

import numpy as np

from ml_service.learning.model_types.protocol import Arrays, Matrix
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.tables.statistics import splitmix64

# Far below meaningful differences between probabilities, far above their rounding errors.
TIE_BREAK = 1e-9
# The increment of SplitMix64; without it, the hash of zero is zero.
STRIDE = np.uint64(0x9E3779B97F4A7C15)
ROWS_PER_BIN, MOST_BINS = 20, 20
# Rows with an average error that each bin has in addition, so that no bin's errors seem to be zero.
ADDED_ROWS = 5


@dataclass(frozen=True, slots=True)
class IntervalShape:
    """The expected absolute error at some predicted values, interpolated between them.

    `least` is the lowest possible label.
    """

    predicted: Matrix
    errors: Matrix
    least: float = -math.inf

    def at(self, values: Matrix) -> Matrix:
        return np.interp(values, self.predicted, self.errors)

    def to_arrays(self) -> Arrays:
        return {"predicted": self.predicted, "errors": self.errors, "least": np.array([self.least])}


SAME_WIDTH = IntervalShape(np.zeros(1), np.ones(1))


def measure_shape(values: Matrix, actual: Matrix) -> IntervalShape:
    """Measure errors on rows of neither the fit nor the calibration: intervals then keep their coverage."""
    errors, bins = np.abs(values - actual), min(MOST_BINS, len(values) // ROWS_PER_BIN)
    average = float(errors.mean()) if bins else 0.0
    if not average:
        return SAME_WIDTH
    parts = np.array_split(np.argsort(values, kind="stable"), bins)
    rows = np.array([len(part) for part in parts])
    sums = np.array([errors[part].sum() for part in parts])
    # Parts of equal predictions, such as those of a few leaves, are one.
    predicted, merged = np.unique([values[part].mean() for part in parts], return_inverse=True)
    rows, sums = np.bincount(merged, rows), np.bincount(merged, sums)
    return IntervalShape(predicted, (sums + ADDED_ROWS * average) / (rows + ADDED_ROWS))


def least_label(labels: Matrix) -> float:
    """Zero if no label is below it, as of prices.

    A new row's label is below that of `n` others with a probability of at most 1 in `n`.
    """
    return 0.0 if len(labels) and labels.min() >= 0 else -math.inf


class Calibration:
    """Sorted nonconformity scores of the calibration set, and the shape of intervals."""

    def __init__(self, scores: Matrix, shape: IntervalShape = SAME_WIDTH) -> None:
        self._scores, self._shape = np.sort(scores), shape

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Calibration":
        """Models of an older version have no shape: all of their intervals are equally wide."""
        if "errors" not in arrays:
            return cls(arrays["scores"])
        shape = IntervalShape(arrays["predicted"], arrays["errors"], float(arrays["least"][0]))
        return cls(arrays["scores"], shape)

    def limit(self, coverage: float) -> float:
        """The largest score within the coverage; raises CoverageTooHigh if the rows are too few."""
        rows = len(self._scores)
        rank = math.ceil((rows + 1) * coverage - 1e-9)
        if rank > rows:
            raise CoverageTooHigh(rows, math.floor(100 * rows / (rows + 1)) / 100)
        return float(self._scores[rank - 1])

    def intervals(self, values: Matrix, coverage: float) -> list[tuple[float, float]]:
        """The interval around each predicted value, without the part below the lowest possible label."""
        margins = self.limit(coverage) * self._shape.at(values)
        lows, highs = (np.maximum(ends, self._shape.least) for ends in (values - margins, values + margins))
        return list(zip(lows.tolist(), highs.tolist(), strict=True))


def residuals(values: Matrix, actual: Matrix, shape: IntervalShape = SAME_WIDTH) -> Matrix:
    """The nonconformity of each row: its absolute residual, in units of the error expected there."""
    return np.abs(values - actual) / shape.at(values)


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
