"""Strength of the association between columns and the label, measured on held-out rows.

The measure for classes is Goodman and Kruskal's lambda (1954), the share of wrong guesses that a column
avoids; for numbers it is R2. Each half of the rows is predicted from the other, as in the predictive power
score (Wetschoreck, Krabel and Krishnamurthy, 2020). In place of its decision tree there are bins, which
average over noise, and neighbours, which find a cut in few rows: scikit-learn would take a second to import
and 120 MB in each reader process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_service.learning.tables import Column

MOST_BINS = 64
ROWS_PER_BIN = 10
ROWS_PER_VALUE = 5
SEED = 0
# Few rows show a cut the better, the more of them are fitted; of many, a half is enough.
FOLDS, MANY_ROWS = 5, 2_000

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Values = npt.NDArray[Any]  # Any: classes or numbers
# Predicted labels of the tested rows (the second argument), from the labels of the fitted rows.
Predict = Callable[[Codes, Codes], Values]


@dataclass(frozen=True, slots=True)
class Label:
    """The label's values: codes of classes from 0 on, or numbers if `classes` is None."""

    values: Values
    classes: int | None

    def typical(self, groups: Codes, number: int, rows: Codes) -> Values:
        """The most common class or the mean of these rows in each group; overall for a group without rows."""
        values = self.values[rows]
        if self.classes is None:
            counts = np.bincount(groups, minlength=number)
            sums = np.bincount(groups, weights=values, minlength=number)
            return np.where(counts > 0, sums / np.maximum(counts, 1), values.mean())
        cells = np.bincount(groups * self.classes + values, minlength=number * self.classes)
        counts = cells.reshape(number, self.classes)
        return np.where(counts.any(axis=1), counts.argmax(axis=1), counts.sum(axis=0).argmax())

    def error(self, predicted: Values, rows: Codes) -> float:
        """The number of wrong classes, or the sum of squared errors."""
        actual = self.values[rows]
        if self.classes is None:
            return float(((predicted - actual) ** 2).sum())
        return float(np.count_nonzero(predicted != actual))


def label_of(column: Column, is_classes: bool) -> Label:
    """The label of a column without missing cells."""
    if not is_classes:
        return Label(numbers_of(column), None)
    encoded = column.cells.combine_chunks().dictionary_encode()
    return Label(encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary))


def measure_association(column: Column, label: Label) -> float:
    """1 for a column that determines the label, 0 or less for one without information."""
    if column.kind == "text":
        return measure(label, by_group(text_codes(column), label))
    return measure_numbers(numbers_of(column), label)


def measure_numbers(numbers: Numbers, label: Label) -> float:
    """The better of both measures; missing cells are a value above all others."""
    present = numbers[~np.isnan(numbers)]
    highest = present.max(initial=0.0)
    filled = np.where(np.isnan(numbers), 2 * highest - present.min(initial=0.0) + 1, numbers)
    in_bins = measure(label, by_group(put_in_bins(numbers), label))
    return max(in_bins, measure(label, by_neighbour(filled, label)))


def measure(label: Label, predict: Predict) -> float:
    """The share of the baseline's errors that the predictions avoid."""
    rows = len(label.values)
    folds = np.array_split(np.random.default_rng(SEED).permutation(rows), FOLDS if rows < MANY_ROWS else 2)
    error = base = 0.0
    for number, tested in enumerate(folds):
        fitted = np.concatenate(folds[:number] + folds[number + 1 :])
        error += label.error(predict(fitted, tested), tested)
        base += label.error(label.typical(np.zeros_like(fitted), 1, fitted), tested)
    return 1 - error / base if base else 0.0


def by_group(codes: Codes, label: Label) -> Predict:
    groups = int(codes.max()) + 1
    return lambda fitted, tested: label.typical(codes[fitted], groups, fitted)[codes[tested]]


def by_neighbour(numbers: Numbers, label: Label) -> Predict:
    """The class of the nearest fitted value, or the line between the nearest two."""

    def predict(fitted: Codes, tested: Codes) -> Values:
        values, codes = np.unique(numbers[fitted], return_inverse=True)
        typical = label.typical(codes, len(values), fitted)
        if label.classes is None:
            return np.interp(numbers[tested], values, typical)
        middles = (values[1:] + values[:-1]) / 2
        return typical[np.searchsorted(middles, numbers[tested])]

    return predict


def put_in_bins(numbers: Numbers, most: int = MOST_BINS) -> Codes:
    """The bin of each number; missing ones have a separate bin."""
    present = ~np.isnan(numbers)
    codes = np.zeros(len(numbers), np.int64)
    codes[present] = 1 + _bins(numbers[present], most)
    return codes


def text_codes(column: Column) -> Codes:
    """The code of each text; missing cells have a separate one."""
    encoded = column.cells.combine_chunks().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64)


def numbers_of(column: Column) -> Numbers:
    cells = column.cells.cast(pa.int64()) if column.kind == "date" else column.cells
    return cells.cast(pa.float64(), safe=False).to_numpy()


def _bins(numbers: Numbers, most: int) -> Codes:
    values = np.unique(numbers)
    if len(values) <= most and len(values) * ROWS_PER_VALUE <= len(numbers):
        return np.searchsorted(values, numbers)
    bins = min(most, max(1, len(numbers) // ROWS_PER_BIN))
    edges = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, numbers, side="right")
