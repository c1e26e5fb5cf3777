"""Findings about columns, and the suggested label and features."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.tables import DATA

from ml_service.learning import tables
from ml_service.learning.findings.columns import (
    MANY_CATEGORIES,
    ColumnView,
    Finding,
    Suggestion,
    find,
    suggest,
)
from ml_service.learning.tables.statistics import compute_statistics
from ml_service.learning.training.preparation import MOST_CATEGORIES

Write = Callable[..., Path]
ROWS = 100


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_columns(**columns: Callable[[int], object]) -> Path:
        """A file whose cells are functions of the row number."""
        path = tmp_path / "table.csv"
        rows = [",".join(str(cell(n)) for cell in columns.values()) for n in range(ROWS)]
        path.write_text("\n".join([",".join(columns), *rows, ""]))
        return path

    return write_columns


def inspect(path: Path) -> tuple[list[Finding], Suggestion]:
    table = tables.read_csv(path)
    statistics = compute_statistics(table)
    profiles = tables.profile(table).columns
    views = [ColumnView(column, statistics.columns[name]) for name, column in profiles.items()]
    findings = find(views, table.rows, statistics.duplicate_rows)
    return findings, suggest(views, findings)


def codes(path: Path) -> list[tuple[str, str, str | None]]:
    return [(finding.code, finding.severity, finding.column) for finding in inspect(path)[0]]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (lambda _: 7, [("constant", "warning", "a")]),
        (lambda _: "same", [("constant", "warning", "a")]),
        (lambda n: n + 1, [("id_like", "warning", "a")]),
        (lambda n: f"row-{n}", [("id_like", "warning", "a")]),
        (lambda n: n * n, []),
        (lambda n: n + 0.5, []),
        (lambda n: "" if n % 3 else n % 2, [("mostly_missing", "warning", "a")]),
        (lambda _: "", [("mostly_missing", "warning", "a")]),
        (lambda n: f"t{n % 60}", [("high_cardinality", "info", "a")]),
        (lambda n: f"t{n % 50}", []),
    ],
)
def test_column_findings(
    cell: Callable[[int], object], expected: list[tuple[str, str, str]], write: Write
) -> None:
    assert codes(write(a=cell, b=lambda n: n % 7, c=lambda n: n * 1.37)) == expected


@pytest.mark.parametrize("name", ["id", "customer_id", "customerId", "passenger no", "Key"])
def test_distinct_integers_named_like_an_id_are_id_like(name: str, write: Write) -> None:
    assert codes(write(**{name: lambda n: n * n, "b": lambda n: n % 7})) == [("id_like", "warning", name)]


@pytest.mark.parametrize("name", ["paid", "grid", "android", "piano"])
def test_name_that_merely_ends_like_an_id_is_not_id_like(name: str, write: Write) -> None:
    assert codes(write(**{name: lambda n: n * n, "b": lambda n: n % 7})) == []


def test_duplicate_rows_are_a_finding(write: Write) -> None:
    assert codes(write(a=lambda n: n % 9, b=lambda n: n % 7)) == [("duplicate_rows", "warning", None)]


def test_few_rows_are_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("a,b\n1,2.5\n4,3\n")
    assert codes(path) == [("too_few_rows", "warning", None)]


def test_every_finding_has_advice(write: Write) -> None:
    path = write(a=lambda _: 7, b=lambda n: n, c=lambda _: "", d=lambda n: f"t{n % 60}")
    for finding in inspect(path)[0]:
        assert finding.detail.endswith(".")
        assert finding.advice.endswith(".")


def test_cardinality_limit_equals_the_number_of_encoded_categories() -> None:
    assert MANY_CATEGORIES == MOST_CATEGORIES


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("penguins", "species"),
        ("wine", "target"),
        ("diabetes", "target"),
        ("seattle-weather", "weather"),
        ("cars", "Origin"),
    ],
)
def test_labels_of_the_example_tables_are_suggested(name: str, label: str) -> None:
    suggested = inspect(DATA / f"{name}.csv")[1]
    assert suggested.label == label
    assert label not in suggested.features


def test_constant_and_id_like_columns_are_not_suggested(write: Write) -> None:
    path = write(id=lambda n: n, same=lambda _: 1, none=lambda _: "", a=lambda n: n % 7, b=lambda n: n * 1.5)
    assert inspect(path)[1] == Suggestion("b", ["a"])


def test_table_without_usable_columns_has_no_suggested_label(tmp_path: Path) -> None:
    path = tmp_path / "dates.csv"
    path.write_text("a\n2026-01-01\n2026-01-02\n")
    assert inspect(path)[1] == Suggestion(None, ["a"])
