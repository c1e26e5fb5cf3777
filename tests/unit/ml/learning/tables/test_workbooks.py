"""Cells of workbooks: types, numbers stored as texts, mixed columns, errors of formulas, limits."""

from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.binary_workbooks import xls, xlsb
from tests.support.workbooks import Cell, Failed, Formatted, Rows, moment, ods, xlsx

from ml_service.learning.tables import (
    DEFAULT_LIMITS,
    ColumnReading,
    CsvError,
    CsvLimits,
    Reading,
    Table,
    profile,
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


def below(*cells: Cell) -> Rows:
    """A table with the cells in the column a, beside a column of texts."""
    return [["a", "b"], *([cell, "x"] for cell in cells)]


def column(table: Table) -> tuple[str | None, list[Any]]:
    return table.columns["a"].reading.type, table.columns["a"].cells.to_pylist()


def codes(table: Table) -> list[str]:
    return [finding.code for finding in table.findings]


def detail(table: Table, code: str) -> str:
    return next(finding.detail for finding in table.findings if finding.code == code)


@BOTH
def test_cells_keep_their_types(write: Callable[..., bytes], read: Read) -> None:
    rows: Rows = [
        ["number", "text", "day", "moment", "time", "truth", "share"],
        [1.5, "a", date(2025, 12, 31), moment(2025, 1, 2, 3, 4, 5), time(13, 45), True, Formatted(0.12, 9)],
        [2, "b", date(1905, 1, 1), moment(2025, 1, 2), time(0, 0), False, Formatted(1.5, 9)],
        [None] * 6,
        [None, "c"],
    ]
    table = read(write(rows))
    assert table.format == "workbook"
    assert {name: each.reading.type for name, each in table.columns.items()} == {
        **{"number": "number", "text": "text", "day": "date", "moment": "date"},
        **{"time": "time", "truth": "boolean", "share": "number"},
    }
    assert [each.cells.to_pylist() for each in table.columns.values()] == [
        [1.5, 2, None],
        ["a", "b", "c"],
        [moment(2025, 12, 31), moment(1905, 1, 1), None],
        [moment(2025, 1, 2, 3, 4, 5), moment(2025, 1, 2), None],
        [13.75 * 3600, 0, None],
        ["TRUE", "FALSE", None],
        [0.12, 1.5, None],
    ]


def test_currency_and_dates_of_asian_formats_are_read_by_their_values(read: Read) -> None:
    table = read(
        xlsx([["price", "day"], [Formatted(12.5, 164), Formatted(45658, 31)], [Formatted(3, 164), None]])
    )
    assert table.columns["price"].cells.to_pylist() == [12.5, 3]
    assert table.columns["day"].cells.to_pylist() == [moment(2025, 1, 1), None]


def test_dates_since_1904_are_the_same_days(read: Read) -> None:
    days = [date(2025, 12, 31), date(1910, 3, 1)]
    assert column(read(xlsx(below(*days), since_1904=True))) == column(read(xlsx(below(*days))))


def test_durations_are_seconds(read: Read) -> None:
    table = read(xlsx(below(timedelta(hours=26, minutes=30), timedelta(seconds=90), None)))
    assert column(table) == ("whole", [95_400, 90, None])
    assert "durations" in codes(table)


def test_whole_numbers_are_no_fractions(read: Read) -> None:
    types = [
        str(read(xlsx(below(*cells))).columns["a"].cells.type) for cells in ((1, 0, None), (1, 0.5, None))
    ]
    assert types == ["int64", "double"]


def test_long_number_is_as_the_spreadsheet_has_it(read: Read) -> None:
    assert column(read(xlsx(below(1234567890123450, 3)))) == ("whole", [1234567890123450, 3])


def test_numbers_stored_as_texts_are_read_by_the_rules_of_csv(read: Read) -> None:
    table = read(xlsx(below("1.234,50", "2.000,00", "NA")))
    assert column(table) == ("number", [1234.5, 2000, None])
    assert [finding.code for finding in table.findings] == ["number_notation", "missing_words"]


def test_plain_numbers_stored_as_texts_are_reported(read: Read) -> None:
    table = read(xlsx(below("12", 13, "14")))
    assert column(table) == ("whole", [12, 13, 14])
    assert detail(table, "number_notation").startswith("2 cells of 'a' are texts")


def test_codes_with_leading_zeros_stay_texts(read: Read) -> None:
    assert column(read(xlsx(below("007", "010", "011")))) == ("text", ["007", "010", "011"])


def test_decimal_comma_of_texts_does_not_change_numbers(read: Read) -> None:
    table = read(xlsx(below("1,5", "2,75", "3,125", 1.234, 1234)))
    assert column(table) == ("number", [1.5, 2.75, 3.125, 1.234, 1234])


@BOTH
def test_few_texts_among_numbers_need_a_decision_with_their_rows(
    write: Callable[..., bytes], read: Read
) -> None:
    table = read(write(below(0.25, "<0.05", 7, 1.5, "unknown")))
    decision = table.columns["a"].decision
    assert decision is not None
    assert (decision.type, decision.cells, decision.place, list(decision.places)) == (
        "number",
        2,
        "row",
        [3, 6],
    )
    assert column(table) == (None, ["0.25", "<0.05", "7", "1.5", "unknown"])


@BOTH
def test_number_among_dates_needs_a_decision(write: Callable[..., bytes], read: Read) -> None:
    table = read(write(below(date(2025, 1, 1), date(2025, 1, 2), 45000, date(2025, 1, 4))))
    decision = table.columns["a"].decision
    assert decision is not None
    assert (decision.type, list(decision.places)) == ("date", [4])


def test_date_after_9999_needs_a_decision(read: Read) -> None:
    table = read(xlsx(below(date(2025, 1, 1), date(2025, 1, 2), Formatted(2_994_626, 14))))
    decision = table.columns["a"].decision
    assert decision is not None
    assert list(decision.places) == [4]


@pytest.mark.parametrize(
    ("cells", "type_", "expected"),
    [
        ((1, 2.5, "x"), "text", ["1", "2.5", "x"]),
        ((date(2025, 1, 1), moment(2025, 1, 1, 10)), "text", ["2025-01-01", "2025-01-01T10:00:00"]),
        ((True, False, 1), "boolean", ["TRUE", "FALSE", "TRUE"]),
        ((1, 0), "boolean", ["1", "0"]),
        (("1.5", 2), "number", [1.5, 2]),
    ],
)
def test_set_type_reads_cells_of_other_types(
    cells: tuple[Cell, ...], type_: str, expected: list[Any], read: Read
) -> None:
    reading = Reading(columns={"a": ColumnReading.from_json({"type": type_})})
    assert column(read(xlsx(below(*cells)), reading)) == (type_, expected)


def test_set_format_reads_texts_beside_dates(read: Read) -> None:
    reading = Reading(columns={"a": ColumnReading(type="date", format="%d.%m.%Y")})
    table = read(xlsx(below("31.12.2025", date(2026, 1, 2))), reading)
    assert column(table) == ("date", [moment(2025, 12, 31), moment(2026, 1, 2)])


def test_set_words_for_missing_concern_numbers_too(read: Read) -> None:
    reading = Reading(columns={"a": ColumnReading(missing=("-999", "none"))})
    table = read(xlsx(below(1.5, -999, "none", 2)), reading)
    assert column(table) == ("number", [1.5, None, None, 2])
    assert "1 times '-999'" in detail(table, "missing_words")


@BOTH
def test_errors_of_formulas_are_missing_and_counted(write: Callable[..., bytes], read: Read) -> None:
    rows: Rows = [
        ["n", "t", "d", "b"],
        [1, "x", date(2025, 1, 1), True],
        [Failed("#DIV/0!"), Failed("#N/A"), Failed("#REF!"), Failed("#NAME?")],
        ["NA", "y", None, False],
        [Failed("#SPILL!"), Failed("#VALUE!"), Failed("#NUM!"), None],
    ]
    table = read(write(rows))
    assert [each.reading.type for each in table.columns.values()] == ["whole", "text", "date", "boolean"]
    assert [each.missing for each in table.columns.values()] == [3, 2, 3, 2]
    assert codes(table) == ["missing_words"] * 4
    assert table.findings[0].detail.count("1 times") == 3


@pytest.mark.parametrize("write", [xls, xlsb])
def test_binary_workbook_is_read_without_a_count_of_errors(write: Callable[..., bytes], read: Read) -> None:
    rows: Rows = [["a", "day", "é"], [1.5, Formatted(45658, 14), "ü"], [Failed("#DIV/0!"), None, "y"]]
    table = read(write(rows))
    assert table.header == ("a", "day", "é")
    assert column(table) == ("number", [1.5, None])
    assert table.columns["day"].cells.to_pylist() == [moment(2025, 1, 1), None]
    assert codes(table) == ["uncounted_errors"]


def test_column_of_errors_is_empty(read: Read) -> None:
    assert read(xlsx(below(Failed("#REF!"), Failed("#REF!")))).columns["a"].kind == "empty"


def test_only_wanted_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    path.write_bytes(xlsx([["a", "b", "c"], [1, "x", 2]]))
    assert list(read_table(path, columns={"a", "c"}).columns) == ["a", "c"]


def test_set_reading_reads_the_same_again(read: Read) -> None:
    content = xlsx([["Title"], ["a", "b"], ["1,5", date(2025, 1, 1)], [2.5, "NA"], ["3,5", date(2025, 1, 3)]])
    first = read(content)
    second = read(content, first.reading)
    assert second.reading == first.reading
    assert profile(second).columns == profile(first).columns


def test_text_where_a_number_is_set_is_refused_with_its_row(read: Read) -> None:
    reading = Reading(columns={"a": ColumnReading(type="number")})
    with pytest.raises(CsvError) as caught:
        read(xlsx(below(1, "x", 2)), reading)
    assert (caught.value.code, caught.value.members) == (
        "csv_text_in_number_column",
        {"row": 3, "column": "a"},
    )


def test_nul_character_is_refused(read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read(xlsx(below("x", "_x0000_")))
    assert (caught.value.code, caught.value.members) == ("csv_nul_byte", {"column": "a"})


def test_limits_of_rows_columns_and_cells_hold(read: Read) -> None:
    for limits, code in (
        (CsvLimits(rows=1), "csv_too_many_rows"),
        (CsvLimits(columns=1), "csv_too_many_columns"),
        (CsvLimits(cell_length=3), "csv_cell_too_long"),
        (CsvLimits(file_bytes=10), "csv_too_large"),
        (CsvLimits(unpacked_bytes=100), "csv_too_large"),
    ):
        with pytest.raises(CsvError) as caught:
            read(xlsx([["a", "b"], [1, "long text"], [2, "y"]]), limits=limits)
        assert caught.value.code == code
