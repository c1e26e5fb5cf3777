"""Findings about leakage: columns that give the label away, and test scores that are too good to be true."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from ml_service.learning.findings.associations import Label, label_of, measure_association
from ml_service.learning.findings.pairs import Pair, measure_pairs, measure_together
from ml_service.learning.tables import Column, Finding, Table
from ml_service.learning.tables.table import Severity

FEWEST_ROWS, FEWEST_OTHERS = 40, 10
# Bounds of the time: some seconds for the widest table, whatever its number of rows.
MOST_ROWS, MOST_CELLS, ROWS_OF_WIDE_TABLES = 20_000, 4_000_000, 2_000
ROWS_OF_PAIRS = 5_000
SUSPECT, CERTAIN = 0.95, 0.99
# Of 590 labels in tables of R's packages, 23 had such a pair, and 20 of them followed from it.
SUSPECT_PAIR, CERTAIN_PAIR = 0.99, 0.999
# A pair must determine more than the better column alone.
ADDED_BY_PAIR = 0.03
MOST_PAIRS = 3
COMPUTED = 0.999
# Of 416 models for the same tables, those of honest labels avoided up to 97.4 % of the baseline's wrong
# guesses, where it had 30 or more, and explained up to 98.4 % of the variance. All better ones had a feature
# that follows from the label or is known after it. Of fewer guesses some honest models avoided all, too.
SUSPECT_SCORE, CERTAIN_SCORE = 0.99, 0.999
FEW_GUESSES, FEW_TEST_ROWS = 30, 20


@dataclass(frozen=True, slots=True)
class Score:
    """The accuracy or R2 of a model and of the baseline on test rows; None for an undefined one."""

    label: str
    is_classes: bool
    value: float | None
    baseline: float | None
    test_rows: int

    @property
    def avoided(self) -> float:
        """The share of the baseline's errors that the model avoids."""
        if self.value is None or self.baseline is None or self.baseline >= 1:
            return 0.0
        return 1 - (1 - self.value) / (1 - self.baseline)

    @property
    def is_of_few(self) -> bool:
        guesses = self.test_rows * (1 - (self.baseline or 0))
        return guesses < FEW_GUESSES if self.is_classes else self.test_rows < FEW_TEST_ROWS


def find_leakage(table: Table, label: str, is_classes: bool) -> list[Finding]:
    """Findings about columns that almost determine the label, on a sample of the rows."""
    # With many small products, threads wait for each other: half of the time on a busy machine.
    with threadpool_limits(1):
        return list(_find_leakage(table, label, is_classes))


def _find_leakage(table: Table, label: str, is_classes: bool) -> Iterator[Finding]:
    chosen = _choose_rows(table, label)
    if len(chosen) < FEWEST_ROWS:
        return
    values = label_of(_take(table.columns[label], chosen), is_classes)
    columns = {
        name: _take(column, chosen)
        for name, column in table.columns.items()
        if name != label and column.kind != "empty"
    }
    strengths = {name: measure_association(column, values) for name, column in columns.items()}
    for name, strength in strengths.items():
        if strength >= SUSPECT:
            yield _find_alone(columns[name], label, strength, is_classes)
    fewer = pa.array(np.arange(0, len(chosen), 1 + (len(chosen) - 1) // ROWS_OF_PAIRS))
    values = Label(values.values[fewer.to_numpy()], values.classes)
    columns = {name: _take(column, fewer) for name, column in columns.items()}
    pairs = list(_suspect_pairs(columns, strengths, values)) if _has_enough_classes(values) else []
    yield from (_find_pair(pair, label, is_classes) for pair in pairs[:MOST_PAIRS])
    if not is_classes and not pairs and max(strengths.values(), default=0) < CERTAIN:
        yield from _find_together(columns, label, values)


def find_too_good(score: Score, most_important: str) -> list[Finding]:
    """A finding about a score that honest features seldom reach, or none."""
    if score.avoided < SUSPECT_SCORE:
        return []
    severity: Severity = "serious" if score.avoided >= CERTAIN_SCORE else "warning"
    advice = (
        f"Find out whether a feature is computed from '{score.label}' or known only after it, "
        f"above all '{most_important}', the most important one."
    )
    if score.is_of_few:
        severity, advice = "info", f"This may be luck with so few test rows. {advice}"
    return [Finding("too_good", severity, None, _detail_of(score), advice)]


def _detail_of(score: Score) -> str:
    value, rows = score.value or 0.0, score.test_rows
    if not score.is_classes:
        return (
            f"The model explains {100 * value:.5g}% of the variance of '{score.label}': too good to be true."
        )
    right = f"All {rows}" if value == 1 else f"{100 * value:.5g}% of {rows}"
    return f"{right} test rows are predicted right: too good to be true."


def _has_enough_classes(values: Label) -> bool:
    """False if so few rows differ from the most common class that some pair determines them by chance."""
    if values.classes is None:
        return True
    return len(values.values) - np.bincount(values.values).max() >= FEWEST_OTHERS


def _suspect_pairs(
    columns: Mapping[str, Column], strengths: Mapping[str, float], values: Label
) -> Iterator[Pair]:
    for pair in measure_pairs(columns, strengths, values):
        alone = max(strengths[pair.first], strengths[pair.second])
        if pair.strength >= max(SUSPECT_PAIR, alone + ADDED_BY_PAIR):
            yield pair


def _find_alone(column: Column, label: str, strength: float, is_classes: bool) -> Finding:
    advice = "Leave it out unless it is known before the label."
    if column.kind == "date":
        advice += " If the label merely changes slowly, test on the latest rows instead of random ones."
    return Finding(
        "leakage",
        "serious" if strength >= CERTAIN and column.kind != "date" else "warning",
        column.name,
        f"'{column.name}' alone {_effect(strength, label, is_classes)}",
        advice,
    )


def _find_pair(pair: Pair, label: str, is_classes: bool) -> Finding:
    return Finding(
        "leakage_pair",
        "serious" if pair.strength >= CERTAIN_PAIR else "warning",
        pair.first,
        f"'{pair.first}' with '{pair.second}' {_effect(pair.strength, label, is_classes)}",
        "Leave out at least one of them unless both are known before the label.",
    )


def _find_together(columns: Mapping[str, Column], label: str, values: Label) -> Iterator[Finding]:
    strength = measure_together(columns, values)
    if strength >= COMPUTED:
        yield Finding(
            "too_good",
            "warning",
            None,
            f"A linear formula of all columns of numbers {_effect(strength, label, False)}",
            f"Find out whether '{label}' is computed from other columns, and leave out those that follow it.",
        )


def _effect(strength: float, label: str, is_classes: bool) -> str:
    effect, of = ("avoids", "wrong guesses about") if is_classes else ("explains", "variance of")
    return f"{effect} {100 * strength:.3g}% of the {of} '{label}', on held-out rows."


def _choose_rows(table: Table, label: str) -> pa.Array:
    """Rows with a label, evenly spaced over the table."""
    present = np.flatnonzero(table.columns[label].cells.is_valid().to_numpy())
    most = min(len(present), MOST_ROWS, max(MOST_CELLS // len(table.columns), ROWS_OF_WIDE_TABLES))
    chosen = np.linspace(0, max(len(present) - 1, 0), most).astype(np.int64)
    return pa.array(present[chosen])


def _take(column: Column, rows: pa.Array) -> Column:
    cells = column.cells.take(rows)
    return replace(column, missing=cells.null_count, cells=cells)
