"""Difficult CSV files, each with its golden result."""

from pathlib import Path

import pytest
from tests.support.corpus import READ, REFUSED, Read, Refused

from ml_service.learning.tables import CsvError, Dialect, read_table
from ml_service.learning.tables.statistics import compute_statistics


@pytest.mark.parametrize("case", READ, ids=lambda case: case.title)
def test_difficult_file_is_read_as_meant(case: Read, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(case.content)
    table = read_table(path)
    cells = [column.cells.to_pylist() for column in table.columns.values()]
    assert table.header == case.header
    assert "".join(column.kind[0] for column in table.columns.values()) == case.kinds
    assert list(zip(*cells, strict=True)) == case.rows
    assert isinstance(table.dialect, Dialect)
    found = table.dialect
    assert (found.delimiter, found.encoding, found.decimal, found.compression) == case.dialect
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
