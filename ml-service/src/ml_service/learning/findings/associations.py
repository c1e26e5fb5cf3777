"""Strength of the association between one column and the label, measured on held-out rows.

The measure for classes is Goodman and Kruskal's lambda (1954), the share of wrong guesses that the column
avoids; for numbers it is R2. Each half of the rows is predicted from the other, as in the predictive power
score (Wetschoreck, Krabel and Krishnamurthy, 2020), with bins instead of its decision tree.
"""

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

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Label:
    """The label's values: codes of classes from 0 on, or numbers if `classes` is None."""

    values: npt.NDArray[Any]  # Any: classes or numbers
    classes: int | None


def label_of(column: Column, is_classes: bool) -> Label:
    """The label of a column without missing cells."""
    if not is_classes:
        return Label(_numbers(column), None)
    encoded = column.cells.combine_chunks().dictionary_encode()
    return Label(encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary))


def measure_association(column: Column, label: Label) -> float:
    """1 for a column that determines the label, 0 or less for one without information."""
    codes = _put_in_bins(column)
    halves = np.array_split(np.random.default_rng(SEED).permutation(len(codes)), 2)
    error = base = 0.0
    for fitted, tested in (halves, halves[::-1]):
        predict = _predict_classes if label.classes is not None else _predict_numbers
        predicted, baseline = predict(codes, label, fitted)
        actual = label.values[tested]
        if label.classes is not None:
            error += np.count_nonzero(predicted[codes[tested]] != actual)
            base += np.count_nonzero(baseline != actual)
        else:
            error += float(((predicted[codes[tested]] - actual) ** 2).sum())
            base += float(((baseline - actual) ** 2).sum())
    return 1 - error / base if base else 0.0


def _predict_classes(codes: Codes, label: Label, fitted: Codes) -> tuple[Codes, int]:
    """The most common class in each bin, and overall."""
    classes = label.classes or 1
    cells = codes[fitted] * classes + label.values[fitted]
    counts = np.bincount(cells, minlength=(codes.max() + 1) * classes).reshape(-1, classes)
    baseline = int(counts.sum(axis=0).argmax())
    return np.where(counts.any(axis=1), counts.argmax(axis=1), baseline), baseline


def _predict_numbers(codes: Codes, label: Label, fitted: Codes) -> tuple[Numbers, float]:
    """The mean in each bin, and overall."""
    values = label.values[fitted]
    baseline = float(values.mean())
    bins = int(codes.max()) + 1
    counts = np.bincount(codes[fitted], minlength=bins)
    sums = np.bincount(codes[fitted], weights=values, minlength=bins)
    return np.where(counts > 0, sums / np.maximum(counts, 1), baseline), baseline


def _put_in_bins(column: Column) -> Codes:
    """The bin of each cell; missing cells have a separate bin."""
    if column.kind == "text":
        encoded = column.cells.combine_chunks().dictionary_encode(null_encoding="encode")
        return encoded.indices.to_numpy().astype(np.int64)
    numbers = _numbers(column)
    present = ~np.isnan(numbers)
    codes = np.zeros(len(numbers), np.int64)
    codes[present] = 1 + _bins(numbers[present])
    return codes


def _bins(numbers: Numbers) -> Codes:
    values = np.unique(numbers)
    if len(values) * ROWS_PER_VALUE <= len(numbers):
        return np.searchsorted(values, numbers)
    bins = min(MOST_BINS, max(1, len(numbers) // ROWS_PER_BIN))
    edges = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, numbers, side="right")


def _numbers(column: Column) -> Numbers:
    cells = column.cells.cast(pa.int64()) if column.kind == "date" else column.cells
    return cells.cast(pa.float64(), safe=False).to_numpy()
