"""Findings about leakage: columns that give the label away, alone, in pairs or all together."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from ml_service.learning.findings.associations import Label, label_of, measure_association
from ml_service.learning.findings.columns import Finding
from ml_service.learning.findings.pairs import Pair, measure_pairs, measure_together
from ml_service.learning.tables import Column, Table

FEWEST_ROWS, FEWEST_OTHERS = 40, 10
# Bounds of the time: some seconds for the widest table, whatever its number of rows.
MOST_ROWS, MOST_CELLS, ROWS_OF_WIDE_TABLES = 20_000, 4_000_000, 2_000
ROWS_OF_PAIRS = 5_000
SUSPECT, CERTAIN = 0.95, 0.99
# Of 590 labels in tables of R's packages, two columns with this strength determined all but four, in which
# measurements of animals and grades of judges almost did.
SUSPECT_PAIR, CERTAIN_PAIR = 0.99, 0.999
# A pair must tell more than the better column alone.
ADDED_BY_PAIR = 0.03
MOST_PAIRS = 3
COMPUTED = 0.999


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


def _has_enough_classes(values: Label) -> bool:
    """False if so few rows differ from the most common class that some pair of many tells them by chance."""
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
    return Column(column.name, column.kind, cells.null_count, column.whole, cells)
