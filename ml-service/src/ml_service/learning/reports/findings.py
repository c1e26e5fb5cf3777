"""What is remarkable about the table that a model was trained on."""

from collections.abc import Iterator
from dataclasses import asdict

from ml_service.learning.findings.columns import Finding, Look, find
from ml_service.learning.findings.labels import find_in_classes, find_leakage
from ml_service.learning.reports.evidence import Json
from ml_service.learning.tables import Table, profile
from ml_service.learning.tables.surveys import survey


def find_all(table: Table, label: str, is_classes: bool) -> list[Json]:
    """As an inspection of the dataset finds them, but of the columns that were used only."""
    return [asdict(each) for each in _find_all(table, label, is_classes)]


def _find_all(table: Table, label: str, is_classes: bool) -> Iterator[Finding]:
    profiled, surveyed = profile(table), survey(table)
    looks = [Look(profiled.columns[name], each) for name, each in surveyed.summaries.items()]
    # Rows that are alike in some columns only are no duplicates.
    duplicates = surveyed.duplicate_rows if len(looks) == len(table.header) else 0
    yield from find(looks, table.rows, duplicates)
    if is_classes:
        yield from find_in_classes(label, profiled.columns[label].value_counts or (1,))
    yield from find_leakage(table, label, is_classes)
