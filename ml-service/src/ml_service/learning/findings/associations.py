"""Strength of the association between one column and the label, measured on held-out rows.

For classes Goodman and Kruskal's lambda (1954), the share of wrong guesses that the column avoids; for
numbers R2. Each is measured by guessing half of the rows from the other half, as the predictive power score
(Wetschoreck, Krabel and Krishnamurthy, 2020) does, with bins in the place of its decision tree.
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
    """A number for each row: its class from 0 on, or the value itself where `classes` is None."""

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
    for known, tested in (halves, halves[::-1]):
        guess = _guess_classes if label.classes is not None else _guess_numbers
        guessed, usual = guess(codes, label, known)
        actual = label.values[tested]
        if label.classes is not None:
            error += np.count_nonzero(guessed[codes[tested]] != actual)
            base += np.count_nonzero(usual != actual)
        else:
            error += float(((guessed[codes[tested]] - actual) ** 2).sum())
            base += float(((usual - actual) ** 2).sum())
    return 1 - error / base if base else 0.0


def _guess_classes(codes: Codes, label: Label, known: Codes) -> tuple[Codes, int]:
    """The most common class in each bin, and in all of them."""
    classes = label.classes or 1
    cells = codes[known] * classes + label.values[known]
    counts = np.bincount(cells, minlength=(codes.max() + 1) * classes).reshape(-1, classes)
    usual = int(counts.sum(axis=0).argmax())
    return np.where(counts.any(axis=1), counts.argmax(axis=1), usual), usual


def _guess_numbers(codes: Codes, label: Label, known: Codes) -> tuple[Numbers, float]:
    """The mean in each bin, and in all of them."""
    values = label.values[known]
    usual = float(values.mean())
    bins = int(codes.max()) + 1
    counts = np.bincount(codes[known], minlength=bins)
    sums = np.bincount(codes[known], weights=values, minlength=bins)
    return np.where(counts > 0, sums / np.maximum(counts, 1), usual), usual


def _put_in_bins(column: Column) -> Codes:
    """The bin of each cell; missing cells have one of their own."""
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
