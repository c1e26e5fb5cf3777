"""Difficult CSV files, each with its golden result."""

from pathlib import Path

import pytest
from tests.support.corpus import READ, REFUSED, Read, Refused

from ml_service.learning.tables import DEFAULT_LIMITS, CsvError, Dialect, read_table
from ml_service.learning.tables.row_stream import open_rows
from ml_service.learning.tables.statistics import compute_statistics

# Refusals of a file's text and header, which do not depend on the types of its columns.
WHOLE_FILE = {
    "csv_nul_byte",
    "csv_undecodable_byte",
    "csv_corrupt_gzip",
    "csv_other_format",
    "csv_empty",
    "csv_empty_header",
    "csv_duplicate_header",
    "csv_header_missing",
    "csv_header_unusable",
}


@pytest.mark.parametrize("case", READ, ids=lambda case: case.title)
def test_difficult_file_has_the_expected_types_and_rows(case: Read, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(case.content)
    table = read_table(path)
    cells = [column.cells.to_pylist() for column in table.columns.values()]
    assert table.header == case.header
    assert "".join(column.kind[0] for column in table.columns.values()) == case.kinds
    assert list(zip(*cells, strict=True)) == case.rows
    assert isinstance(table.dialect, Dialect)
    dialect = table.dialect
    assert (dialect.delimiter, dialect.encoding, dialect.decimal, dialect.compression) == case.dialect
    assert compute_statistics(table).columns.keys() == table.columns.keys()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.title)
def test_refused_file_names_line_and_column(case: Refused, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(case.content)
    with pytest.raises(CsvError) as caught:
        read_table(path)
    members = caught.value.members
    assert (caught.value.code, members.get("line"), members.get("column")) == (
        case.code,
        case.line,
        case.column,
    )
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("case", READ, ids=lambda case: case.title)
def test_streamed_file_has_the_same_header_and_rows(case: Read, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(case.content)
    stream = open_rows(path, DEFAULT_LIMITS)
    pieces = list(stream.pieces(1, []))
    assert stream.names == case.header
    assert stream.count() == len(pieces) == len(case.rows)
    assert [piece.errors for piece in pieces] == [{}] * len(pieces)


@pytest.mark.parametrize(
    "case", [case for case in REFUSED if case.code in WHOLE_FILE], ids=lambda case: case.title
)
def test_streamed_file_is_refused_at_the_same_line_and_column(case: Refused, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(case.content)
    with pytest.raises(CsvError) as caught:
        open_rows(path, DEFAULT_LIMITS)
    members = caught.value.members
    location = (members.get("line"), members.get("column"))
    assert (caught.value.code, *location) == (case.code, case.line, case.column)


@pytest.mark.parametrize("fault", [b"\0", b"\xff"])
def test_fault_after_the_first_piece_is_refused_at_its_line_and_column(fault: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = "1,größe\n".encode() * 150_000
    path.write_bytes(b"a,b\n" + rows + b"2,x" + fault + b"\n")
    for open_file in (read_table, open_rows):
        with pytest.raises(CsvError) as caught:
            open_file(path, DEFAULT_LIMITS)
        assert caught.value.members == {"line": 150_002, "column": "b"}
