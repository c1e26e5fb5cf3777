"""Findings about a label: its task, and imbalanced or rare classes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ml_service.learning.findings.columns import ColumnView, find
from ml_service.learning.findings.leakage import find_leakage
from ml_service.learning.tables import ColumnProfile, Finding, Json, Table, profile
from ml_service.learning.tables.statistics import compute_statistics

TASK = "task"
IMBALANCED = 10
VERY_IMBALANCED = 100
FEW_ROWS_PER_CLASS = 10


def find_all(table: Table, label: str, is_classes: bool) -> list[Json]:
    """All findings about a table with this label, as JSON."""
    return [asdict(finding) for finding in _find_all(table, label, is_classes)]


def _find_all(table: Table, label: str, is_classes: bool) -> Iterator[Finding]:
    columns, statistics = profile(table).columns, compute_statistics(table)
    views = [ColumnView(columns[name], figures) for name, figures in statistics.columns.items()]
    # Rows that agree in the columns read may differ in the others.
    duplicates = statistics.duplicate_rows if len(views) == len(table.header) else 0
    yield from table.findings
    yield from find(views, table.rows, duplicates)
    yield from find_task(columns[label], is_classes)
    if is_classes:
        yield from find_in_classes(label, columns[label].value_counts or (1,))
    yield from find_leakage(table, label, is_classes)


def find_task(label: ColumnProfile, is_classes: bool) -> Iterator[Finding]:
    """The task chosen for a label of whole numbers, which are amounts or codes of classes."""
    values = len(label.value_counts or ())
    if label.kind != "number" or not label.whole or values < 2 or (is_classes and values == 2):
        return
    learnt, meaning, other = (
        ("classes", "amounts", "regression")
        if is_classes
        else ("numbers", "codes of classes", "classification")
    )
    yield Finding(
        TASK,
        "info",
        label.name,
        f"The {values} different whole numbers in '{label.name}' are learnt as {learnt}.",
        f"If they are {meaning}, set the task to {other}.",
    )


def task_note(findings: Sequence[Json]) -> str | None:
    """The finding about the task as one text, for the description of a model."""
    notes = (f"{finding['detail']} {finding['advice']}" for finding in findings if finding["code"] == TASK)
    return next(notes, None)


def find_in_classes(label: str, counts: Sequence[int]) -> Iterator[Finding]:
    """`counts` has the number of rows of each class, ascending."""
    rarest, commonest = counts[0], counts[-1]
    few = sum(count < FEW_ROWS_PER_CLASS for count in counts)
    if few:
        have = "1 class has" if few == 1 else f"{few} classes have"
        yield Finding(
            "too_few_rows",
            "serious" if rarest == 1 else "warning",
            label,
            f"{have} fewer than {FEW_ROWS_PER_CLASS} rows in '{label}', the rarest {rarest}.",
            "Add rows of the rare classes, or merge them with others.",
        )
    if commonest >= IMBALANCED * rarest:
        yield Finding(
            "imbalanced",
            "serious" if commonest >= VERY_IMBALANCED * rarest else "warning",
            label,
            f"The most common class of '{label}' has {commonest} rows, the rarest {rarest}.",
            "Judge models by balanced accuracy or F1: always guessing the most common class looks accurate.",
        )
