"""Findings about columns."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml_service.learning import tables
from ml_service.learning.findings.columns import MANY_CATEGORIES, ColumnView, Finding, expected_repeats, find
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


def find_in(path: Path) -> list[Finding]:
    table = tables.read_csv(path)
    statistics = compute_statistics(table)
    profiles = tables.profile(table).columns
    views = [ColumnView(column, statistics.columns[name]) for name, column in profiles.items()]
    return find(views, table.rows, statistics.duplicate_rows)


def codes(path: Path) -> list[tuple[str, str, str | None]]:
    return [(finding.code, finding.severity, finding.column) for finding in find_in(path)]


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
        (lambda n: n + 0.5 if n else "<0.5", []),
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


def test_copies_of_rows_are_a_finding(write: Write) -> None:
    path = write(a=lambda n: (n % 97) ** 2 / 8, b=lambda n: n % 97 / 7)
    assert codes(path) == [("duplicate_rows", "warning", None)]


def test_rows_of_few_categories_repeat_without_a_finding(write: Write) -> None:
    assert codes(write(a=lambda n: n % 9, b=lambda n: n % 7)) == []
    assert codes(write(a=lambda n: "yes" if n % 11 else "no", b=lambda n: n % 3)) == []


def test_more_repeats_than_by_chance_among_few_categories_are_an_info(write: Write) -> None:
    path = write(a=lambda n: n % 33 % 20, b=lambda n: n % 33 // 2)
    assert codes(path) == [("duplicate_rows", "info", None)]


@pytest.mark.parametrize(("rows", "values"), [(1000, 40), (100_000, 3000), (50, 2)])
def test_expected_repeats_are_those_of_random_rows(rows: int, values: int) -> None:
    random = np.random.default_rng(7)
    table = tables.Table(
        ("a", "b"),
        {
            name: tables.Column(name, "number", 0, True, pa.chunked_array([random.integers(0, values, rows)]))
            for name in ("a", "b")
        },
        rows,
        None,
    )
    statistics = compute_statistics(table)
    profiles = tables.profile(table).columns
    views = [ColumnView(column, statistics.columns[name]) for name, column in profiles.items()]
    repeats = statistics.duplicate_rows
    assert expected_repeats(views, rows) == pytest.approx(repeats, rel=0.1, abs=2)


def test_few_rows_are_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("a,b\n1,2.5\n4,3\n")
    assert codes(path) == [("too_few_rows", "warning", None)]


def test_every_finding_has_advice(write: Write) -> None:
    path = write(a=lambda _: 7, b=lambda n: n, c=lambda _: "", d=lambda n: f"t{n % 60}")
    for finding in find_in(path):
        assert finding.detail.endswith(".")
        assert finding.advice.endswith(".")


def test_cardinality_limit_equals_the_number_of_encoded_categories() -> None:
    assert MANY_CATEGORIES == MOST_CATEGORIES
