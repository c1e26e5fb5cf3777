"""A columnar copy has the same table as its file; a damaged, missing or differently typed one is not used."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.corpus import READ, Read
from tests.support.tables import DATA, typed

from ml_service.learning import tables
from ml_service.learning.tables import DETECTED, Reading, Table, columnar_copy
from ml_service.learning.tables.columnar_copy import DIGEST_BYTES

LARGE = 1 << 30
LIMITS = tables.DEFAULT_LIMITS
PENGUINS = DATA / "penguins.csv"


def copy(path: Path, reading: Reading = DETECTED) -> Table:
    """Write the copy of a file; returns its table as it was parsed."""
    table = tables.read_table(path, reading=reading)
    tables.copy_of(path).unlink(missing_ok=True)
    tables.write_copy(table, tables.copy_of(path), LARGE, reading)
    return table


def assert_equal(table: Table | None, expected: Table) -> None:
    assert table is not None
    assert (table.header, table.rows, table.reading) == (expected.header, expected.rows, expected.reading)
    assert (table.findings, table.format) == (list(expected.findings), expected.format)
    assert list(table.sheets) == list(expected.sheets)
    assert list(table.columns) == list(expected.columns)
    for name, column in expected.columns.items():
        cells = table.columns[name].cells
        assert cells.type == column.cells.type
        assert cells.equals(column.cells)
        assert replace(table.columns[name], cells=column.cells) == column


def part_of(table: Table, names: set[str]) -> Table:
    return replace(
        table,
        columns={name: column for name, column in table.columns.items() if name in names},
        reading=table.reading.only(names),
        findings=[finding for finding in table.findings if finding.column in {None, *names}],
    )


@pytest.fixture
def penguins(tmp_path: Path) -> Path:
    path = tmp_path / "table"
    path.write_bytes(PENGUINS.read_bytes())
    return path


@pytest.mark.parametrize("case", READ, ids=lambda case: case.title)
def test_copy_of_a_difficult_file_has_its_table(case: Read, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(case.content)
    expected = copy(path, case.reading)
    assert_equal(tables.read_copy(tables.copy_of(path), None, case.reading), expected)
    last = case.header[-1]
    part = tables.read_copy(tables.copy_of(path), {last}, case.reading)
    assert_equal(part, part_of(expected, {last}))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv")), ids=lambda path: path.stem)
def test_copy_of_an_example_has_its_table(path: Path, tmp_path: Path) -> None:
    local = tmp_path / "table"
    local.write_bytes(path.read_bytes())
    expected = copy(local)
    assert_equal(tables.read_copy(tables.copy_of(local), None, DETECTED), expected)


def test_stored_table_is_read_from_its_copy(penguins: Path) -> None:
    expected = copy(penguins)
    penguins.write_bytes(b"no table")
    assert_equal(tables.read_stored_table(penguins, LIMITS), expected)


def test_file_without_a_copy_is_parsed(penguins: Path) -> None:
    assert_equal(tables.read_stored_table(penguins, LIMITS), tables.read_table(penguins))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
def test_damaged_copy_is_not_used(penguins: Path, share: float) -> None:
    expected = copy(penguins)
    path = tables.copy_of(penguins)
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    assert tables.read_copy(path, None, DETECTED) is None
    assert_equal(tables.read_stored_table(penguins, LIMITS), expected)


@pytest.mark.parametrize("size", [0, 1, DIGEST_BYTES, 1000])
def test_truncated_copy_is_not_used(penguins: Path, size: int) -> None:
    copy(penguins)
    path = tables.copy_of(penguins)
    path.write_bytes(path.read_bytes()[:size])
    assert tables.read_copy(path, None, DETECTED) is None


def test_copy_of_another_version_is_not_used(penguins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(penguins)
    monkeypatch.setattr(columnar_copy, "VERSION", columnar_copy.VERSION + 1)
    assert tables.read_copy(tables.copy_of(penguins), None, DETECTED) is None


def test_copy_has_the_corrected_types(penguins: Path) -> None:
    reading = typed(year="text")
    expected = copy(penguins, reading)
    path = tables.copy_of(penguins)
    assert_equal(tables.read_copy(path, None, reading), expected)
    assert tables.read_copy(path, None, DETECTED) is None
    assert tables.read_copy(path, {"year"}, typed(year="number")) is None


def test_copy_serves_columns_whose_types_were_not_corrected(penguins: Path) -> None:
    expected = copy(penguins, typed(year="text"))
    part = tables.read_copy(tables.copy_of(penguins), {"island", "sex"}, typed(year="number"))
    assert_equal(part, part_of(expected, {"island", "sex"}))


def test_copy_serves_the_settings_that_were_detected(penguins: Path) -> None:
    expected = copy(penguins)
    assert_equal(tables.read_copy(tables.copy_of(penguins), None, expected.reading), expected)


def test_copy_of_another_source_is_not_used(penguins: Path) -> None:
    table, path = tables.read_table(penguins), tables.copy_of(penguins)
    tables.write_copy(table, path, LARGE, sha256=bytes(32))
    assert_equal(tables.read_copy(path, None, DETECTED, bytes(32)), table)
    assert tables.read_copy(path, None, DETECTED, bytes(31) + b"1") is None
    tables.write_copy(table, path, LARGE)
    assert tables.read_copy(path, None, DETECTED, bytes(32)) is None


def test_pipe_in_place_of_a_copy_is_not_opened(penguins: Path) -> None:
    os.mkfifo(tables.copy_of(penguins))
    assert_equal(tables.read_stored_table(penguins, LIMITS), tables.read_table(penguins))


def test_missing_file_is_reported_although_there_is_a_copy(penguins: Path) -> None:
    copy(penguins)
    penguins.unlink()
    with pytest.raises(tables.UploadMissing):
        tables.read_stored_table(penguins, LIMITS)


def test_large_copy_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100_000)
    expected = tables.read_table(path)
    tables.write_copy(expected, tables.copy_of(path), path.stat().st_size)
    assert tables.copy_of(path).stat().st_size < path.stat().st_size
    assert_equal(tables.read_copy(tables.copy_of(path), None, DETECTED), expected)


def test_copy_is_mapped_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"a,b\n" + b"1.5,2.5\n" * 100_000)
    copy(path)
    before = pa.total_allocated_bytes()
    table = tables.read_copy(tables.copy_of(path), None, DETECTED)
    assert table is not None
    assert pa.total_allocated_bytes() - before < 100_000
