"""Findings about columns that need no label."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_service.learning.tables import ColumnProfile, Finding
from ml_service.learning.tables.statistics import ColumnStatistics

FEW_ROWS = 50
MOSTLY_MISSING = 0.5
# The limit of encoded categories of a feature; rarer ones count as missing.
MANY_CATEGORIES = 50
FEWEST_IDS = 20
# Columns depend on each other, so that more rows repeat than if they were independent.
CHANCE_FACTOR = 3
MANY_REPEATS = 0.01
# Below this probability not even five million rows agree by chance, and a difference of floats is inexact.
FEWEST_AGREEMENTS = 1e-15
NEARLY_ALL = 0.95
ID_NAME = re.compile(r"(?i:(^|[_\W])(id|uid|uuid|guid|key|index|number|no|nr)$)|[a-z]I[dD]$")


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column's profile and statistics."""

    column: ColumnProfile
    statistics: ColumnStatistics


def find(views: Sequence[ColumnView], rows: int, duplicate_rows: int) -> list[Finding]:
    """Findings about the columns and about all rows."""
    findings = [finding for view in views for finding in _find_in_column(view, rows)]
    if rows < FEW_ROWS:
        findings.append(
            Finding(
                "too_few_rows",
                "warning",
                None,
                f"There are only {rows} rows, so every metric is a rough estimate.",
                f"Use at least {FEW_ROWS} rows; some hundreds are better.",
            )
        )
    by_chance = expected_repeats(views, rows)
    if duplicate_rows > CHANCE_FACTOR * by_chance:
        findings.append(_find_duplicates(rows, duplicate_rows, by_chance))
    return findings


def expected_repeats(views: Sequence[ColumnView], rows: int) -> float:
    """The number of rows that would repeat an earlier one if the columns were independent.

    Simpson (1949): rows that agree with this probability are draws from so many equally likely combinations.
    """
    combinations = 1 / max(math.prod(_agreement(view, rows) for view in views), FEWEST_AGREEMENTS)
    if combinations <= 1:
        return rows - 1
    return rows + combinations * math.expm1(rows * math.log1p(-1 / combinations))


def _find_in_column(view: ColumnView, rows: int) -> Iterator[Finding]:
    column, distinct = view.column, view.statistics.distinct
    name, present = column.name, rows - column.missing
    if column.missing > MOSTLY_MISSING * rows:
        yield Finding(
            "mostly_missing",
            "warning",
            name,
            f"{_percent(column.missing, rows)} of the cells in '{name}' are missing.",
            "Leave the column out, or find out why cells are missing.",
        )
    if column.decision is not None:
        # Its texts are numbers or dates but for a few, so what holds for texts says nothing.
        return
    if distinct == 1 and rows > 1:
        yield Finding(
            "constant",
            "warning",
            name,
            f"'{name}' has the same value in every row, so a model learns nothing from it.",
            "Leave the column out.",
        )
    elif _is_id_like(view, present):
        yield Finding(
            "id_like",
            "warning",
            name,
            f"'{name}' is different in nearly every row, like an identifier.",
            "Leave the column out: patterns in identifiers do not carry over to new rows.",
        )
    elif column.kind == "text" and distinct > MANY_CATEGORIES:
        yield Finding(
            "high_cardinality",
            "info",
            name,
            f"'{name}' has {distinct} different texts.",
            f"Only the {MANY_CATEGORIES} most common ones are used; group the others if they matter.",
        )


def _find_duplicates(rows: int, duplicates: int, by_chance: float) -> Finding:
    repeat = "1 row repeats" if duplicates == 1 else f"{duplicates} rows repeat"
    return Finding(
        "duplicate_rows",
        "warning" if by_chance < rows * MANY_REPEATS <= duplicates else "info",
        None,
        f"{repeat} an earlier one ({_percent(duplicates, rows)}).",
        "Remove copies: test metrics look too good on rows seen in training. "
        "Keep rows of different cases that merely agree.",
    )


def _agreement(view: ColumnView, rows: int) -> float:
    """The probability that two rows have the same cell, rather too low for columns with many values."""
    missing, statistics = view.column.missing, view.statistics
    counts = [top.count for top in statistics.top_values]
    others, rest = statistics.distinct - len(counts), rows - missing - sum(counts)
    squares = missing**2 + sum(count**2 for count in counts) + (rest**2 / others if others > 0 else 0)
    return squares / rows**2


def _is_id_like(view: ColumnView, present: int) -> bool:
    column, distinct = view.column, view.statistics.distinct
    if present < FEWEST_IDS:
        return False
    if column.kind == "text":
        return distinct >= NEARLY_ALL * present
    if not column.whole or distinct < present:
        return False
    return bool(ID_NAME.search(column.name)) or _counts_up(view.statistics)


def _counts_up(statistics: ColumnStatistics) -> bool:
    """True for distinct integers without a gap between the smallest and the largest."""
    match statistics.quantiles:
        case {"min": int(low), "max": int(high)}:
            return high - low == statistics.distinct - 1
        case _:
            return False


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g}%"
