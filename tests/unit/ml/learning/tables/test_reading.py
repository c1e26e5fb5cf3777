"""Reading of CSV files: layouts, types, settings and profiles."""

import gzip
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.tables import DATA, typed

from ml_service.learning.tables import (
    DETECTED,
    ColumnReading,
    ColumnType,
    CsvError,
    Reading,
    Table,
    TableProfile,
    profile,
    read_csv,
    read_table,
)
from ml_service.learning.tables.dates import FORMATS, read_date, read_dates
from ml_service.learning.tables.number_notation import read_number, read_numbers
from ml_service.learning.tables.settings import ISO


def read(content: bytes, folder: Path, columns: set[str] | None = None, reading: Reading = DETECTED) -> Table:
    path = folder / "table.csv"
    path.write_bytes(content)
    return read_csv(path, columns=columns, reading=reading)


def cells(table: Table, name: str) -> list[Any]:
    return table.columns[name].cells.to_pylist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_gives_the_same_text(encoding: str, tmp_path: Path) -> None:
    table = read("näme,b\nJosé,1\n".encode(encoding), tmp_path)
    assert cells(table, "näme") == ["José"]


def test_utf8_that_is_valid_cp1252_is_read_as_utf8(tmp_path: Path) -> None:
    assert cells(read("a,b\n€,é\n".encode(), tmp_path), "a") == ["€"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_detected(delimiter: str, tmp_path: Path) -> None:
    table = read(f"a{delimiter}b\n1{delimiter}x\n".encode(), tmp_path)
    assert table.header == ("a", "b")
    assert table.reading.delimiter == delimiter


def test_detected_delimiter_fits_all_rows(tmp_path: Path) -> None:
    table = read(b"name, given;age\nx, y;5\nz;6\n", tmp_path)
    assert table.header == ("name, given", "age")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_separates_rows(end: str, tmp_path: Path) -> None:
    assert cells(read(end.join(["a,b", "1,x", "2,y"]).encode(), tmp_path), "b") == ["x", "y"]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    assert cells(read(gzip.compress(b"a,b\n1,2\n"), tmp_path), "b") == [2]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_commas_are_numbers_unless_commas_separate(delimiter: str, tmp_path: Path) -> None:
    table = read(f"a{delimiter}b\n1,5{delimiter}2\n-,25{delimiter}3\n".encode(), tmp_path)
    assert cells(table, "a") == [1.5, -0.25]
    assert table.columns["b"].whole


def test_set_delimiter_is_applied(tmp_path: Path) -> None:
    assert read(b"a;b,c\n1;2,5\n", tmp_path, reading=Reading(delimiter=",")).header == ("a;b", "c")


def test_quoted_line_breaks_delimiters_and_quotes_are_text(tmp_path: Path) -> None:
    assert cells(read(b'a,b\n"x\r\ny, ""z""",1\n', tmp_path), "a") == ['x\r\ny, "z"']


def test_quote_inside_an_unquoted_field_is_literal(tmp_path: Path) -> None:
    assert cells(read(b'a,b\n5" pipe,1\n', tmp_path), "a") == ['5" pipe']


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert cells(read(b"\n\na,b\n\n1,x\n\n2,y\n\n", tmp_path), "b") == ["x", "y"]


@pytest.mark.parametrize("marker", ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<NA>", "#N/A"])
def test_marker_of_a_missing_cell_is_recognised(marker: str, tmp_path: Path) -> None:
    table = read(f'number,text\n1,x\n{marker},"{marker}"\n'.encode(), tmp_path)
    assert [table.columns[name].missing for name in ("number", "text")] == [1, 1]
    assert table.columns["number"].kind == "number"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (["1", "-2", "+3"], "number"),
        (["1.5", ".5", "5.", "1e-3", " 4"], "number"),
        (["99999999999999999999", "1"], "text"),
        (["007", "123"], "text"),
        (["01234", "98765"], "text"),
        (["0", "10", "0.5"], "number"),
        (["0x10", "0x11"], "text"),
        (["12:30", "13:45"], "number"),
        (["true", "false"], "text"),
        (["2020-01-31", "2021-12-01"], "date"),
        (["2020-01-31T10:00:00", "2021-12-01 09:30:00"], "date"),
        (["2020-01-31T10:00:00Z", "2021-12-01T09:30:00+02:00"], "date"),
        (["31.01.2020", "01.12.2021"], "date"),
        (["A/5 21171", "113803", "PC 17599"], "text"),
        (["NA", ""], "empty"),
    ],
)
def test_column_has_the_type_of_all_its_cells(written: list[str], kind: str, tmp_path: Path) -> None:
    rows = "".join(f"{cell},1\n" for cell in written)
    assert read(f"a,b\n{rows}".encode(), tmp_path).columns["a"].kind == kind


def test_leading_zeros_are_kept(tmp_path: Path) -> None:
    assert cells(read(b"a,b\n007,1\n12,2\n", tmp_path), "a") == ["007", "12"]


def test_mixed_ticket_numbers_are_text(tmp_path: Path) -> None:
    rows = "".join(f"{n},1\n" for n in range(74)) + "".join(f"PC {n},1\n" for n in range(26))
    assert read(f"a,b\n{rows}".encode(), tmp_path).columns["a"].kind == "text"


def test_only_requested_columns_are_read(tmp_path: Path) -> None:
    table = read(b"a,b\n1,2\nx,3\n5,4\n", tmp_path, columns={"b", "other"})
    assert list(table.columns) == ["b"]
    assert table.header == ("a", "b")


def test_column_names_are_stripped(tmp_path: Path) -> None:
    assert read(b"a , b\n1,2\n", tmp_path).header == ("a", "b")


@pytest.mark.parametrize("name", ["cars", "diabetes", "penguins", "seattle-weather", "wine"])
def test_numbers_equal_those_that_pandas_reads(name: str) -> None:
    table, frame = read_csv(DATA / f"{name}.csv"), pd.read_csv(DATA / f"{name}.csv")
    for column in table.columns.values():
        if column.kind == "number":
            read_here = pd.Series(column.cells.to_pandas(), dtype="float64")
            pd.testing.assert_series_equal(read_here, frame[column.name].astype("float64"), check_names=False)
        assert column.missing == frame[column.name].isna().sum()


def test_profile_round_trips_through_json() -> None:
    penguins = profile(read_csv(DATA / "penguins.csv"))
    assert TableProfile.from_json(penguins.to_json()) == penguins


def test_profile_counts_the_values_of_a_column_with_few() -> None:
    columns = profile(read_csv(DATA / "penguins.csv")).columns
    assert columns["species"].value_counts == (68, 124, 152)
    assert columns["bill_length_mm"].value_counts is None


def test_profile_of_an_empty_column_counts_no_values(tmp_path: Path) -> None:
    assert profile(read(b"a,b\n,1\n,2\n", tmp_path)).columns["a"].value_counts == ()


@pytest.mark.parametrize(
    "text", ["2020-01-01", "2020-01-01 10", "2020-01-01T10:00:00.5", "0000-01-01", "2020-02-30"]
)
def test_date_alone_is_read_as_in_a_column(text: str) -> None:
    assert read_dates(pa.array([text]), ISO).to_pylist() == [read_date(text, ISO)]


DIGITS_ALONE = [format for format in FORMATS if not set("aAbBpyzI") & set(re.findall("%(.)", format))]
ODD_DATES = [
    "1.2.2020",
    "2020/2/30 1:2",
    "31-12-0000",
    "01/01/2020 24:00",
    "1.1.2020 1:2:60",
    " 1.1.2020",
    "1.1.20",
    *("1122020", "4512020", "2020 1 %5"),
]


@given(moment=st.datetimes(min_value=datetime(1000, 1, 1)), format=st.sampled_from(DIGITS_ALONE))  # noqa: DTZ001 - as in tables
def test_date_of_digits_is_read_as_in_a_column(moment: datetime, format: str) -> None:
    texts = [moment.strftime(format), None]
    assert read_dates(pa.array(texts), format).to_pylist() == [read_date(texts[0] or "", format), None]


@pytest.mark.parametrize("format", [*DIGITS_ALONE, "%d%m%Y", "%Y %m %%d"])
def test_odd_date_is_read_as_in_a_column(format: str) -> None:
    for text in ODD_DATES:
        assert read_dates(pa.array([text]), format).to_pylist() == [read_date(text, format)]


@pytest.mark.parametrize(
    "reading",
    [
        ColumnReading(),
        ColumnReading(decimal=","),
        ColumnReading(thousands=","),
        ColumnReading(decimal=",", thousands="."),
        ColumnReading(thousands=" ", unit="€"),
        ColumnReading(unit="%"),
    ],
)
def test_number_alone_is_read_as_in_a_column(reading: ColumnReading) -> None:
    random = np.random.default_rng(0)
    letters = [*"0123456789.,-+() €%eE'", "\u00a0", "\u2212"]
    texts = ["".join(random.choice(letters, random.integers(1, 9))) for _ in range(20_000)]
    texts += ["(1,234.5)", "1.234,5-", "\u22125 %", "- 5", "1 234,5 €", "€ -3", "+.5", "1e31"]
    expected = [read_number(text, reading) for text in texts]
    assert sum(number is not None for number in expected) > 500
    assert read_numbers(pa.array(texts), reading).to_pylist() == expected


def test_settings_of_a_table_read_it_again_alike(tmp_path: Path) -> None:
    content = b"id;price;day;note\n007;1.234,5;31.12.2025;a\n008;2,5;01.02.2026; b\n"
    table = read(content, tmp_path)
    again = read(content, tmp_path, reading=table.reading)
    assert again.reading == table.reading
    assert [cells(again, name) for name in table.columns] == [cells(table, name) for name in table.columns]


class TestCorrectedTypes:
    def test_numbers_corrected_to_text_are_unchanged(self, tmp_path: Path) -> None:
        table = read_corrected(b"zip,b\n10115,1\n1.50,2\n+7,3\n,4\n", tmp_path, zip="text")
        assert cells(table, "zip") == ["10115", "1.50", "+7", None]
        assert table.columns["zip"].kind == "text"

    def test_dates_corrected_to_text_are_unchanged(self, tmp_path: Path) -> None:
        assert cells(read_corrected(b"a,b\n2026-01-31,1\n", tmp_path, a="text"), "a") == ["2026-01-31"]

    def test_leading_zeros_corrected_to_numbers_are_numbers(self, tmp_path: Path) -> None:
        table = read_corrected(b"a,b\n007,1\n 12 ,2\nNA,3\n", tmp_path, a="number")
        assert cells(table, "a") == [7.0, 12.0, None]
        assert table.columns["a"].whole

    def test_decimal_commas_corrected_to_numbers_are_numbers(self, tmp_path: Path) -> None:
        table = read_corrected(b"a;b\n007;1,5\n0,5;2\n", tmp_path, a="number")
        assert cells(table, "a") == [7.0, 0.5]

    def test_detected_type_can_be_set(self, tmp_path: Path) -> None:
        table = read_corrected(b"a,b\n2026-01-31,1\n", tmp_path, a="date", b="number")
        assert [column.kind for column in table.columns.values()] == ["date", "number"]

    @pytest.mark.parametrize(
        ("kind", "content", "code", "line"),
        [
            ("number", b"a,b\n1,1\nx,2\nA7,3\ny,4\n", "csv_text_in_number_column", 3),
            ("number", b"a,b\n2026-01-31,1\n", "csv_text_in_number_column", 2),
            ("date", b"a,b\n2026-01-31,1\nx,2\ny,3\nz,4\n", "csv_text_in_date_column", 3),
            ("date", b"a,b\n20260131,1\n", "csv_text_in_date_column", 2),
            ("text", b"a,b\n1,1\n" + b"2" * 40_000 + b",2\n", "csv_cell_too_long", 3),
        ],
    )
    def test_first_cell_of_another_type_is_refused(
        self, kind: ColumnType, content: bytes, code: str, line: int, tmp_path: Path
    ) -> None:
        with pytest.raises(CsvError) as caught:
            read_corrected(content, tmp_path, a=kind)
        assert (caught.value.code, caught.value.members) == (code, {"line": line, "column": "a"})


def test_profile_of_an_earlier_version_keeps_corrected_types() -> None:
    column = {"name": "zip", "kind": "text", "missing": 0, "whole": False, "value_counts": [1]}
    document = {"header": ["zip"], "columns": [column | {"corrected": True}], "rows": 1}
    assert (
        TableProfile.from_json(document).given
        == TableProfile.from_json(document).reading
        == typed(zip="text")
    )


def read_corrected(content: bytes, folder: Path, **kinds: ColumnType) -> Table:
    path = folder / "table.csv"
    path.write_bytes(content)
    return read_table(path, reading=typed(**kinds))
