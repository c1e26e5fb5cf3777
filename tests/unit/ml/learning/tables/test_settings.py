"""Settings of a reading replace what would be detected."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.support.tables import typed

from ml_service.learning.tables import DETECTED, ColumnReading, CsvError, Reading, Table, read_csv


def read(content: bytes, folder: Path, reading: Reading = DETECTED) -> Table:
    path = folder / "table.csv"
    path.write_bytes(content)
    return read_csv(path, reading=reading)


def cells(table: Table, name: str) -> list[Any]:
    return table.columns[name].cells.to_pylist()


def test_lines_around_the_table_are_skipped(tmp_path: Path) -> None:
    content = b"Report,2026,x\na,b,c\n1,2,3\n4,5,6\nSum,7,9\n"
    table = read(content, tmp_path, reading=Reading(skip_top=1, skip_bottom=1))
    assert (table.header, cells(table, "a")) == (("a", "b", "c"), [1, 4])


def test_lines_of_faults_count_skipped_ones(tmp_path: Path) -> None:
    with pytest.raises(CsvError) as caught:
        read(b"Report\n\na,b\n1,2\n3\n", tmp_path, reading=Reading(skip_top=2))
    assert caught.value.members == {"line": 5, "column": "b"}


def test_columns_of_a_file_without_header_are_numbered(tmp_path: Path) -> None:
    table = read(b"x,1\ny,2\n", tmp_path, reading=Reading(header=False))
    assert (table.header, cells(table, "column_1")) == (("column_1", "column_2"), ["x", "y"])


def test_set_header_may_consist_of_numbers(tmp_path: Path) -> None:
    assert read(b"1.5,2.5\n1,2\n", tmp_path, reading=Reading(header=True)).header == ("1.5", "2.5")


def test_set_quote_encloses_fields(tmp_path: Path) -> None:
    table = read(b"a,b\n'x,y',1\n", tmp_path, reading=Reading(quote="'"))
    assert cells(table, "a") == ["x,y"]


def test_without_quotes_they_are_part_of_the_text(tmp_path: Path) -> None:
    table = read(b'a,b\n"x,1\n', tmp_path, reading=Reading(quote=""))
    assert cells(table, "a") == ['"x']


def test_words_for_missing_replace_the_usual_ones(tmp_path: Path) -> None:
    table = read(b"a,b\n-999,NA\n1,x\n", tmp_path, reading=Reading(missing=("-999",)))
    assert (cells(table, "a"), cells(table, "b")) == ([None, 1.0], ["NA", "x"])


def test_untrimmed_texts_keep_their_blanks(tmp_path: Path) -> None:
    assert cells(read(b"a,b\n x,1\n", tmp_path, reading=Reading(trim=False)), "a") == [" x"]


def test_left_out_column_is_in_the_header_alone(tmp_path: Path) -> None:
    table = read(b"a,b\nx,1\n", tmp_path, reading=typed(a="omitted"))
    assert (table.header, list(table.columns)) == (("a", "b"), ["b"])


def test_exceptions_are_missing_on_request(tmp_path: Path) -> None:
    reading = Reading(columns={"a": ColumnReading(exceptions="missing")})
    table = read(b"a,b\n1,1\n<2,2\n3,3\n", tmp_path, reading=reading)
    assert (cells(table, "a"), table.columns["a"].decision) == ([1.0, None, 3.0], None)


def test_set_format_reads_digits_as_dates(tmp_path: Path) -> None:
    reading = Reading(columns={"a": ColumnReading(type="date", format="%Y%m%d")})
    assert str(cells(read(b"a,b\n20260131,1\n", tmp_path, reading=reading), "a")[0]) == "2026-01-31 00:00:00"


def test_set_marks_decide_about_ambiguous_numbers(tmp_path: Path) -> None:
    content = b'a,b\n"1,234",1\n"2,500",2\n'
    assert cells(read(content, tmp_path), "a") == [1234.0, 2500.0]
    assert cells(read(content, tmp_path, reading=Reading(decimal=",")), "a") == [1.234, 2.5]


def test_whole_numbers_refuse_a_fraction(tmp_path: Path) -> None:
    with pytest.raises(CsvError) as caught:
        read(b"a,b\n1,1\n1.5,2\n", tmp_path, reading=typed(a="whole"))
    assert (caught.value.code, caught.value.members["line"]) == ("csv_text_in_number_column", 3)


@pytest.mark.parametrize(
    "reading", [Reading(skip_top=9), Reading(skip_bottom=9), Reading(skip_top=2, skip_bottom=1)]
)
def test_file_without_a_line_beside_the_skipped_ones_is_refused(reading: Reading, tmp_path: Path) -> None:
    with pytest.raises(CsvError) as caught:
        read(b"a,b\n1,2\n3,4\n", tmp_path, reading)
    assert caught.value.code in {"csv_empty", "csv_no_rows"}


@pytest.mark.parametrize("delimiter", [" ", ".", "-", "\\", "%"])
@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_unusual_delimiter_gives_a_table_or_a_refusal(delimiter: str, quote: str, tmp_path: Path) -> None:
    with contextlib.suppress(CsvError):
        assert read(b"a,b\n1.5,2\n3,4\n", tmp_path, Reading(delimiter=delimiter, quote=quote)).rows == 2
