"""The corpus: each file has its golden reading, or is refused at its line and column."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.corpus import PLAIN, READ, READ_CSV, REFUSED, REFUSED_CSV, Cell, Read, Refused

from ml_service.learning.tables import DEFAULT_LIMITS, Column, CsvError, Reading, Table, read_table
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
    "csv_header_unusable",
}
# A stream detects all settings of a file.
UNCORRECTED = [case for case in READ if case.reading == Reading()]
REFUSED_AT_ONCE = [case for case in REFUSED_CSV if case.code in WHOLE_FILE and case.reading == Reading()]


def title(case: Read | Refused) -> str:
    return case.title


class Files:
    """The cases as files, each read once for all tests of this module."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._tables = folder, dict[str, Table]()

    def write(self, case: Read | Refused) -> Path:
        path = self._folder / hashlib.sha256(case.title.encode()).hexdigest()
        path.write_bytes(case.content)
        return path

    def read(self, case: Read) -> Table:
        if case.title not in self._tables:
            self._tables[case.title] = read_table(self.write(case), reading=case.reading)
        return self._tables[case.title]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("corpus"))


def test_each_case_has_its_own_title_and_an_origin() -> None:
    cases = [*READ, *REFUSED]
    assert len({case.title for case in cases}) == len(cases)
    assert all(case.origin for case in cases)


@pytest.mark.parametrize("case", READ, ids=title)
def test_file_has_its_golden_types_and_rows(case: Read, files: Files) -> None:
    table = files.read(case)
    assert table.header == case.header
    assert types(table) == case.types
    assert rows(table) == list(case.rows)
    assert table.rows == len(case.rows)
    assert compute_statistics(table).columns.keys() == table.columns.keys()


@pytest.mark.parametrize("case", READ, ids=title)
def test_file_has_its_findings_and_no_others(case: Read, files: Files) -> None:
    findings = files.read(case).findings
    found = [" ".join(filter(None, (finding.code, finding.column))) for finding in findings]
    assert sorted(found) == sorted(case.findings)
    assert all(finding.detail.endswith(".") for finding in findings)


@pytest.mark.parametrize("case", READ_CSV, ids=title)
def test_file_has_its_effective_settings(case: Read, files: Files) -> None:
    reading = files.read(case).reading
    expected = {**PLAIN, **case.effective}
    assert {name: getattr(reading, name) for name in expected} == expected


@pytest.mark.parametrize("case", READ, ids=title)
def test_effective_settings_read_the_same_table(case: Read, files: Files) -> None:
    table = files.read(case)
    again = read_table(files.write(case), reading=table.reading)
    assert (again.header, types(again), rows(again)) == (table.header, types(table), rows(table))
    assert again.reading == table.reading


@pytest.mark.parametrize("case", UNCORRECTED, ids=title)
def test_streamed_file_has_the_same_header_and_rows(case: Read, files: Files) -> None:
    stream = open_rows(files.write(case), DEFAULT_LIMITS)
    pieces = list(stream.pieces(1))
    assert stream.names == case.header
    assert stream.count() == len(pieces) == len(case.rows)
    assert [piece.errors for piece in pieces] == [{}] * len(pieces)


@pytest.mark.parametrize("case", REFUSED, ids=title)
def test_refused_file_names_line_and_column(case: Refused, files: Files) -> None:
    with pytest.raises(CsvError) as caught:
        read_table(files.write(case), reading=case.reading)
    assert located(caught.value) == (case.code, case.line, case.column)
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("case", REFUSED_AT_ONCE, ids=title)
def test_streamed_file_is_refused_at_the_same_line_and_column(case: Refused, files: Files) -> None:
    with pytest.raises(CsvError) as caught:
        open_rows(files.write(case), DEFAULT_LIMITS)
    assert located(caught.value) == (case.code, case.line, case.column)


@pytest.mark.parametrize("fault", [b"\0", b"\xff"])
def test_fault_after_the_first_piece_is_refused_at_its_line_and_column(fault: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"a,b\n" + "1,größe\n".encode() * 150_000 + b"2,x" + fault + b"\n")
    for open_file in (read_table, open_rows):
        with pytest.raises(CsvError) as caught:
            open_file(path, DEFAULT_LIMITS)
        assert caught.value.members == {"line": 150_002, "column": "b"}


def types(table: Table) -> str:
    """One word for each column of the header."""
    return " ".join(
        _type(table.columns[name]) if name in table.columns else "omitted" for name in table.header
    )


def _type(column: Column) -> str | None:
    if column.decision is not None:
        return "decide"
    return "empty" if column.kind == "empty" else column.reading.type


def rows(table: Table) -> Sequence[tuple[Cell, ...]]:
    return list(zip(*(column.cells.to_pylist() for column in table.columns.values()), strict=True))


def located(error: CsvError) -> tuple[str, int | None, str | None]:
    members = error.members
    return error.code, members.get("line", members.get("row")), members.get("column")
