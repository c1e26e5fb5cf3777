"""Sheets of workbooks: the place of the table in its sheet, its header, and findings about both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.workbooks import Cell, Rows, ods, xlsx

from ml_service.learning.tables import (
    DEFAULT_LIMITS,
    CsvError,
    CsvLimits,
    Reading,
    Table,
    read_table,
)

Read = Callable[..., Table]
BOTH = pytest.mark.parametrize("write", [xlsx, ods])


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(
        content: bytes, reading: Reading | None = None, limits: CsvLimits = DEFAULT_LIMITS
    ) -> Table:
        path = tmp_path / "table"
        path.write_bytes(content)
        return read_table(path, limits, reading=reading or Reading())

    return write_and_read


def column(table: Table) -> tuple[str | None, list[Any]]:
    return table.columns["a"].reading.type, table.columns["a"].cells.to_pylist()


def codes(table: Table) -> list[str]:
    return [finding.code for finding in table.findings]


def detail(table: Table, code: str) -> str:
    return next(finding.detail for finding in table.findings if finding.code == code)


@BOTH
def test_table_below_titles_and_beside_empty_columns_is_found(
    write: Callable[..., bytes], read: Read
) -> None:
    rows: Rows = [
        *([], [None, "Sales of 2025"], [None, "in thousands"], []),
        *([None, "a", "b", None, "c"], [None, 1, "x", None, 2.5], [], [None, 3, "y", None, 4.5]),
    ]
    table = read(write(rows))
    assert table.header == ("a", "b", "c")
    assert column(table) == ("whole", [1, 3])
    assert (table.reading.skip_top, table.reading.header) == (4, True)
    assert detail(table, "skipped_lines").startswith("The first 4 rows")


def test_empty_rows_above_the_table_are_no_finding(read: Read) -> None:
    table = read(xlsx([[], [], ["a", "b"], [1, 2]]))
    assert (table.reading.skip_top, table.findings) == (2, [])


def test_note_beside_the_table_is_refused_with_the_cell_that_lacks_a_name(read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read(xlsx([["a", "b"], [1, 2], [3, 4, None, "see below"]]))
    assert (caught.value.code, caught.value.members) == ("csv_empty_header", {"row": 1, "cell": "D1"})
    assert caught.value.detail.startswith("Cell D1: ")


def test_set_layout_is_used(read: Read) -> None:
    rows: Rows = [["first"], ["a", "b"], [1, 2], [3, 4], ["total", 6]]
    table = read(xlsx(rows), Reading(skip_top=1, skip_bottom=1, header=True))
    assert (table.header, table.rows) == (("a", "b"), 2)
    assert read(xlsx(rows[2:4]), Reading(header=False)).header == ("column_1", "column_2")


def test_sheet_that_begins_with_data_has_numbered_columns(read: Read) -> None:
    table = read(xlsx([[1.5, 2], [2.5, 3]]))
    assert (table.header, table.rows, table.reading.header) == (("column_1", "column_2"), 2, False)
    assert "no_header" in codes(table)


def test_blank_cells_of_a_single_column_are_missing(read: Read) -> None:
    table = read(xlsx([["a"], [1], [], [3], []]))
    assert column(table) == ("whole", [1, None, 3])


def test_names_of_rows_are_left_out(read: Read) -> None:
    table = read(xlsx([[None, "a"], [0, 5], [1, 6]]))
    assert (table.header, list(table.columns)) == (("column_1", "a"), ["a"])
    assert "index_column" in codes(table)


def test_line_break_in_a_name_is_a_blank(read: Read) -> None:
    table = read(xlsx([["Price\r\n(EUR)", "b"], [1, 2]]))
    assert table.header == ("Price (EUR)", "b")
    assert "invisible_characters" in codes(table)


@pytest.mark.parametrize(
    ("header", "code", "cell"),
    [(["a", "a"], "csv_duplicate_header", "B3"), (["a", None], "csv_empty_header", "B3")],
)
def test_unusable_name_is_refused_with_its_cell(header: list[Cell], code: str, cell: str, read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read(xlsx([[], [], header, [1, 2]]))
    assert (caught.value.code, caught.value.members["cell"]) == (code, cell)


def test_first_visible_sheet_with_a_table_is_read(read: Read) -> None:
    sheets: list[Rows] = [[["hidden", "b"], [1, 2]], [["About this file"]], [["a", "b"], [1, 2]], []]
    content = xlsx(*sheets, names=["Old", "Cover", "Data", "Empty"], hidden=["Old"])
    table = read(content)
    assert (table.header, table.reading.sheet) == (("a", "b"), "Data")
    assert "'Cover', 'Empty', 'Old'" in detail(table, "other_sheets")
    assert table.sheets == ["Cover", "Data", "Empty", "Old"]


def test_sheets_to_choose_from_are_bounded(read: Read) -> None:
    names = ["x" * 256, *(f"S{number}" for number in range(120))]
    table = read(ods(*([["a"], [1]] for _ in names), names=names))
    assert table.sheets == names[1:101]


@BOTH
def test_set_sheet_is_read(write: Callable[..., bytes], read: Read) -> None:
    content = write([["a", "b"], [1, 2]], [["c", "d"], [3, 4]], names=["One", "Two"])
    assert read(content, Reading(sheet="Two")).header == ("c", "d")
    assert "other_sheets" not in codes(read(content, Reading(sheet="two")))
    with pytest.raises(CsvError) as caught:
        read(content, Reading(sheet="Three"))
    assert caught.value.code == "workbook_sheet_unknown"
    assert "'One', 'Two'" in caught.value.detail


def test_merged_cells_of_the_table_are_a_finding(read: Read) -> None:
    rows: Rows = [["Sales"], ["region", "a"], ["north", 1], [None, 2], ["south", 3]]
    table = read(xlsx(rows, merged=["A1:B1", "A3:A4"]))
    assert table.columns["region"].cells.to_pylist() == ["north", None, "south"]
    assert "(A3:A4)" in detail(table, "merged_cells")
    assert "merged_cells" not in codes(read(xlsx(rows, merged=["A1:B1"])))
