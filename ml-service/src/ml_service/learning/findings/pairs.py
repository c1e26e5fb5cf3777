"""Labels that are functions of two columns: a sum, difference, product, ratio or combination of classes.

A pair is reduced to one column, which is measured as any other: a linear combination of the two, fitted by
least squares to the label or to its logarithm, or the combination of their bins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ml_service.learning.findings.associations import (
    Codes,
    Label,
    Numbers,
    Values,
    by_group,
    measure,
    measure_numbers,
    numbers_of,
    put_in_bins,
    text_codes,
)
from ml_service.learning.tables import Column

# Columns that are strong alone, and as many that are strong together: profit depends little on revenue or
# costs, which rise together, and wholly on their difference.
MOST_ALONE = MOST_TOGETHER = 6
# Least squares on more columns takes seconds.
MOST_COLUMNS = 200
ROWS_PER_COLUMN = 3
BINS_OF_A_PAIR = 8
MOST_GROUPS = 500
SMALLEST_PART = 1e-12


@dataclass(frozen=True, slots=True)
class Pair:
    """`first` is the stronger column alone."""

    first: str
    second: str
    strength: float


def measure_pairs(columns: Mapping[str, Column], strengths: Mapping[str, float], label: Label) -> list[Pair]:
    """The pairs of the columns that matter, the strongest first; `strengths` are those of single columns."""
    strongest = sorted(strengths, key=lambda name: -strengths[name])[:MOST_ALONE]
    numbers = {name: _filled(column) for name, column in columns.items() if column.kind != "text"}
    together = list(_strong_together(numbers, label))
    names = list(dict.fromkeys([*strongest, *together]))
    groups = {name: _groups_of(columns[name]) for name in names}
    pairs: list[Pair] = []
    for pair in combinations(sorted(names, key=lambda name: -strengths[name]), 2):
        both = [numbers[name] for name in pair if name in numbers]
        combined = _measure_combination(both, label) if len(both) == 2 else 0.0
        pairs.append(Pair(*pair, max(combined, _measure_groups(groups[pair[0]], groups[pair[1]], label))))
    return sorted(pairs, key=lambda pair: -pair.strength)


def measure_together(columns: Mapping[str, Column], label: Label) -> float:
    """R2 of a linear fit of all columns of numbers to a label of numbers; 0 if they are too many."""
    numbers = [_filled(column) for column in columns.values() if column.kind != "text"]
    if not _can_fit(len(numbers), len(label.values) // 2):
        return 0.0
    return _measure_linear(numbers, label)


def _strong_together(numbers: Mapping[str, Numbers], label: Label) -> Iterator[str]:
    """The columns with the largest coefficients in a linear fit of all."""
    if not _can_fit(len(numbers), len(label.values)):
        return
    table = _standardised(list(numbers.values()))
    coefficients = _least_squares(table, _targets(label), np.arange(len(table)))[1:]
    weights = np.linalg.norm(coefficients.reshape(len(numbers), -1), axis=1)
    names = list(numbers)
    yield from (names[index] for index in np.argsort(-weights)[:MOST_TOGETHER])


def _measure_combination(pair: Sequence[Numbers], label: Label) -> float:
    """The strength of a linear combination, or of a product of powers if all numbers are above zero."""
    if label.classes is not None:
        return measure_numbers(_combine(pair, label), label)
    strength = _measure_linear(pair, label)
    if min(column.min() for column in (*pair, label.values)) <= 0:
        return strength
    logarithms, targets = _standardised([np.log(column) for column in pair]), np.log(label.values)

    def predict(fitted: Codes, tested: Codes) -> Values:
        predicted = logarithms[tested] @ _least_squares(logarithms, targets, fitted)
        return np.exp(np.minimum(predicted, targets.max()))

    return max(strength, measure(label, predict))


def _measure_linear(numbers: Sequence[Numbers], label: Label) -> float:
    table = _standardised(numbers)
    return measure(label, lambda fitted, tested: table[tested] @ _least_squares(table, label.values, fitted))


def _can_fit(columns: int, rows: int) -> bool:
    return 2 <= columns <= min(MOST_COLUMNS, rows // ROWS_PER_COLUMN)


def _combine(pair: Sequence[Numbers], label: Label) -> Numbers:
    """The linear combination of two columns that separates the classes most."""
    table = _standardised(pair)
    coefficients = _least_squares(table, _targets(label), np.arange(len(table)))[1:]
    direction = np.linalg.svd(coefficients)[0][:, 0]
    return table[:, 1:] @ direction


def _measure_groups(first: Codes, second: Codes, label: Label) -> float:
    codes = np.unique(first * (second.max() + 1) + second, return_inverse=True)[1]
    return measure(label, by_group(codes, label)) if codes.max() < MOST_GROUPS else 0.0


def _groups_of(column: Column) -> Codes:
    return text_codes(column) if column.kind == "text" else put_in_bins(numbers_of(column), BINS_OF_A_PAIR)


def _filled(column: Column) -> Numbers:
    """The numbers of a column, with the mean in missing cells."""
    numbers = numbers_of(column)
    missing = np.isnan(numbers)
    return np.where(missing, 0.0 if missing.all() else numbers[~missing].mean(), numbers)


def _targets(label: Label) -> Numbers:
    """The label as one column of numbers, or as one column for each class."""
    return label.values if label.classes is None else np.eye(label.classes)[label.values]


def _standardised(numbers: Sequence[Numbers]) -> Numbers:
    """The columns in standard units beside a column of ones."""
    table = np.column_stack(numbers)
    spread = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.column_stack([np.ones(len(table)), table])


def _least_squares(table: Numbers, targets: Numbers, rows: Codes) -> Numbers:
    """Coefficients by the normal equations, in a tenth of the time of a decomposition of the table."""
    fitted = table[rows]
    return np.linalg.pinv(fitted.T @ fitted, rcond=SMALLEST_PART, hermitian=True) @ (fitted.T @ targets[rows])
