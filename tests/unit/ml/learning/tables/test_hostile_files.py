"""Refused files, with code, line and column."""

import gzip
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_service.learning.tables import (
    DETECTED,
    ColumnReading,
    CsvError,
    CsvLimits,
    Reading,
    UploadChanged,
    read_csv,
    read_table,
)
from ml_service.learning.tables.row_stream import open_rows

LIMITS = CsvLimits(
    file_bytes=100_000, unpacked_bytes=200_000, rows=50, columns=20, name_length=30, cell_length=500
)


@dataclass(frozen=True)
class Case:
    title: str
    content: bytes
    code: str
    line: int | None = None
    column: str | None = None
    reading: Reading = DETECTED


B_NUMBER, B_WHOLE, B_DATE, B_BOOLEAN = (
    Reading(columns={"b": ColumnReading(type)}) for type in ("number", "whole", "date", "boolean")
)
WESTERN = Reading(encoding="cp1252")
NUMBERS = b"a,b\n" + b"1,2\n" * 40
CASES = [
    Case("empty file", b"", "csv_empty"),
    Case("blank lines only", b"\n\r\n \n", "csv_empty"),
    Case("byte order mark only", b"\xef\xbb\xbf", "csv_empty"),
    Case("header only", b"a,b\n", "csv_no_rows"),
    Case("header without line end", b"a,b", "csv_no_rows"),
    Case("header and blank lines", b"a,b\n\n\n", "csv_no_rows"),
    Case("too few fields", b"a,b,c\n1,2,3\n4,5\n", "csv_too_few_fields", 3, "c"),
    Case("too many fields", b"a,b\n1,2\n3,4,5\n", "csv_too_many_fields", 3, "b"),
    Case("trailing delimiter", b"a,b\n1,2,\n", "csv_too_many_fields", 2, "b"),
    Case("blanks instead of a row", b"a,b\n1,2\n  \n", "csv_too_few_fields", 3, "b"),
    Case("wrong row after a quoted line break", b'a,b\n"x\ny",2\n3\n', "csv_too_few_fields", 4, "b"),
    Case("wrong row after CR line ends", b"a,b\r1,2\r3\r", "csv_too_few_fields", 3, "b"),
    Case("wrong row after CRLF line ends", b"a,b\r\n1,2\r\n3\r\n", "csv_too_few_fields", 3, "b"),
    Case("wrong row after a blank line", b"a,b\n1,2\n\n3\n", "csv_too_few_fields", 4, "b"),
    Case("duplicate header", b"a,b,a\n1,2,3\n", "csv_duplicate_header", 1, "a"),
    Case("duplicate header after stripping", b"a, a\n1,2\n", "csv_duplicate_header", 1, "a"),
    Case("empty header", b"a,,c\n1,2,3\n", "csv_empty_header", 1),
    Case("blank header", b"a,  \n1,2\n", "csv_empty_header", 1),
    Case("header after blank lines", b"\n\na,a\n1,2\n", "csv_duplicate_header", 3, "a"),
    Case("long header", b"a," + b"b" * 31 + b"\n1,2\n", "csv_header_too_long", 1),
    Case("line break in header", b'a,"b\nc"\n1,2\n', "csv_header_unusable", 1),
    Case("control character in header", b"a,b\x07\n1,2\n", "csv_header_unusable", 1),
    Case("many columns", b",".join(b"c%d" % i for i in range(21)) + b"\n", "csv_too_many_columns", 1),
    Case("many rows", b"a,b\n" + b"1,2\n" * 51, "csv_too_many_rows"),
    Case("long cell", b"a,b\n1,x\n2," + b"y" * 501 + b"\n", "csv_cell_too_long", 3, "b"),
    Case("large file", b"a,b\n" + b"1,2\n" * 25_000, "csv_too_large"),
    Case("gzip bomb", gzip.compress(b"a,b\n" + b"1,2\n" * 100_000), "csv_too_large"),
    Case("cut gzip", gzip.compress(NUMBERS)[:-12], "csv_corrupt_gzip"),
    Case("gzip with invalid data", gzip.compress(NUMBERS)[:10] + b"\xff" * 40, "csv_corrupt_gzip"),
    Case("zip or Excel", b"PK\x03\x04" + b"\0" * 50, "csv_other_format"),
    Case("Parquet", b"PAR1" + b"\0" * 50, "csv_other_format"),
    Case("NUL in a cell", b"a,b\n1,2\n3,\x00\n", "csv_nul_byte", 3, "b"),
    Case("NUL in the header", b"a,b\x00\n1,2\n", "csv_nul_byte", 1),
    Case("cut UTF-16", "a,b\n1,2\n".encode("utf-16")[:-1], "csv_undecodable_byte", 2, "b"),
    Case("damaged UTF-8", b"a,b\n\xc3\xa9,1\ny,\xff\n", "csv_undecodable_byte", 3, "b"),
    Case("damaged UTF-8 with a mark", b"\xef\xbb\xbfa,b\n1,x\n2,\xe9\n", "csv_undecodable_byte", 3, "b"),
    Case("not the set cp1252", b"a,b\n\xe9,1\ny,\x81\n", "csv_undecodable_byte", 3, "b", WESTERN),
    Case("not the set UTF-8", b"a,b\nx,\xe9\n", "csv_undecodable_byte", 2, "b", Reading(encoding="utf-8")),
    Case("quote never closed", b'a,b\n1,2\n3,"x\n4,y\n', "csv_bad_quote", 3),
    Case("quote never closed in the header", b'a,"b\n1,2\n', "csv_bad_quote", 1),
    Case("text after a closing quote", b'a,b\n1,"x"y\n', "csv_bad_quote", 2),
    Case("text in a number column", b"a,b\n1,2\n3,x\n5,6\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("text late in a number column", NUMBERS + b"3,x\n", "csv_text_in_number_column", 42, "b", B_NUMBER),
    Case("unit in a number column", b"a,b\n1,2\n3,4 kg\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("hexadecimal number", b"a,b\n1,2\n3,0x10\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("another script", "a,b\n1,2\n3,٤\n".encode(), "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("second currency", b"a,b\n1,$2\n3,$3\n5,CHF 6\n", "csv_text_in_number_column", 4, "b", B_NUMBER),
    Case("fraction in whole numbers", b"a,b\n1,2\n3,2.5\n", "csv_text_in_number_column", 3, "b", B_WHOLE),
    Case("infinity", b"a,b\n1,2\n3,inf\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("beyond the range of floats", b"a,b\n1,2\n3,1e999\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("beyond the limit", b"a,b\n1,2\n3,1e31\n", "csv_text_in_number_column", 3, "b", B_NUMBER),
    Case("invalid day", b"a,b\n1,2020-02-28\n2,2020-02-30\n", "csv_text_in_date_column", 3, "b", B_DATE),
    Case("text in a date column", b"a,b\n1,2020-02-28\n2,later\n", "csv_text_in_date_column", 3, "b", B_DATE),
    Case(
        "text for a truth value",
        b"a,b\n1,yes\n2,perhaps\n",
        "csv_text_in_boolean_column",
        3,
        "b",
        B_BOOLEAN,
    ),
]


def refusal(content: bytes, folder: Path, reading: Reading = DETECTED) -> CsvError:
    path = folder / "table.csv"
    path.write_bytes(content)
    with pytest.raises(CsvError) as caught:
        read_csv(path, LIMITS, reading=reading)
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_refused_file_names_line_and_column(case: Case, tmp_path: Path) -> None:
    error = refusal(case.content, tmp_path, case.reading)
    assert (error.code, error.members.get("line"), error.members.get("column")) == (
        case.code,
        case.line,
        case.column,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_refusal_detail_is_one_short_sentence(case: Case, tmp_path: Path) -> None:
    error = refusal(case.content, tmp_path, case.reading)
    assert error.detail.endswith(".")
    assert len(error.detail) < 200


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a,b\n1,2\n" + b"\n" * 300, "csv_too_many_rows"),
        (b"a,b\n1,2\n" + b"\r" * 300 + b"1\n", "csv_too_many_rows"),
        (b"a,b\n1,2\n" + b"\n" * 150, None),
    ],
)
def test_blank_lines_are_limited(content: bytes, code: str | None, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    for read in (read_table, lambda path, limits: open_rows(path, limits).count()):
        caught = None
        try:
            read(path, LIMITS)
        except CsvError as error:
            caught = error.code
        assert caught == code


@pytest.mark.parametrize("begin", [b"", b"a,b\n", b'a,b\n"x"y,1\n'], ids=["header", "row", "quoted"])
def test_line_of_millions_of_cells_is_refused_in_little_memory(begin: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(begin + b"1," * 10_000_000 + b"\n", 1))
    tracemalloc.start()
    with pytest.raises(CsvError):
        read_table(path, CsvLimits(unpacked_bytes=30_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120_000_000


@pytest.mark.parametrize("read", [read_table, open_rows])
def test_pipe_or_link_is_refused_at_once(read: Callable[..., object], tmp_path: Path) -> None:
    pipe, link, table = tmp_path / "pipe", tmp_path / "link", tmp_path / "table"
    os.mkfifo(pipe)
    table.write_bytes(NUMBERS)
    link.symlink_to(table)
    for path in (pipe, link, tmp_path):
        with pytest.raises(UploadChanged):
            read(path, LIMITS)


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,2\n3,secret\n5,6\n", b"a,b\n1,2,secret\n", b'a,b\n1,"secret\n', b"a,b\nsecret\n"],
)
def test_refusal_repeats_no_cell(content: bytes, tmp_path: Path) -> None:
    error = refusal(content, tmp_path, B_NUMBER)
    assert "secret" not in error.detail + str(error.members)
