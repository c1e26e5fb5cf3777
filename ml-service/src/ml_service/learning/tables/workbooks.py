"""Workbooks, read into the same tables as CSV files, whole, or in pieces for batches."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.column_types import Read
from ml_service.learning.tables.distinct_texts import Source
from ml_service.learning.tables.header import INDEX
from ml_service.learning.tables.settings import LONGEST_SHEET, OMITTED, Reading
from ml_service.learning.tables.sheets import SheetTable, choose_table
from ml_service.learning.tables.table import (
    DETECTED,
    CsvLimits,
    Finding,
    RowErrors,
    Table,
    check_rows,
    check_unpacked_size,
)
from ml_service.learning.tables.typed_cells import Cell, TypedColumn, is_missing, seconds_of, shown
from ml_service.learning.tables.typed_columns import read_typed
from ml_service.learning.tables.workbook_files import Workbook, open_workbook

ROWS_AT_ONCE = 10_000
# Listed to choose from.
MOST_SHEETS = 100


def read_workbook(path: Path, limits: CsvLimits, columns: Collection[str] | None, reading: Reading) -> Table:
    workbook = open_workbook(path, limits)
    table = choose_table(workbook, reading, limits)
    workbook.close()
    given = Reading(columns={INDEX: OMITTED}).changed_by(reading) if table.has_index else reading
    settings = replace(table.reading, columns=given.columns)
    omitted = {name: each for name, each in settings.columns.items() if each.type == "omitted"}
    wanted = [name for name in table.names if (columns is None or name in columns) and name not in omitted]
    rows = _SheetRows(table, wanted, limits)
    read = {name: rows.read_column(name, settings) for name in wanted}
    by_name = omitted | {name: column.reading for name, (column, _) in read.items()}
    found = [finding for _, each in read.values() for finding in each]
    return Table(
        table.names,
        {name: column for name, (column, _) in read.items()},
        len(rows.numbers),
        replace(settings, columns={name: by_name[name] for name in table.names if name in by_name}),
        [*_find_in_workbook(workbook, table, reading, given), *found],
        "workbook",
        [name for name in workbook.sheets if len(name) <= LONGEST_SHEET][:MOST_SHEETS],
    )


class _SheetRows:
    """The cells of some columns, and the numbers of the rows."""

    def __init__(self, table: SheetTable, names: Sequence[str], limits: CsvLimits) -> None:
        self.numbers, self._limits = array("L"), limits
        self._columns = {name: TypedColumn() for name in names}
        positions = dict(zip(table.names, table.positions, strict=True))
        rows, size = table.rows(), 0
        while piece := list(islice(rows, ROWS_AT_ONCE)):
            self.numbers.extend(number for number, _ in piece)
            cells = list(zip(*(cells for _, cells in piece), strict=True))
            for name, column in self._columns.items():
                size += column.add(cells[positions[name]])
            check_unpacked_size(size, limits)
        check_rows(len(self.numbers), limits)

    def read_column(self, name: str, settings: Reading) -> Read:
        source = Source(".", self._limits.cell_length, "row", self._locate)
        # The cells are not needed once they are read.
        return read_typed(name, self._columns.pop(name), settings.column(name), source)

    def _locate(self, rows: Sequence[int]) -> list[int]:
        return [self.numbers[row] for row in rows]


def _find_in_workbook(
    workbook: Workbook, table: SheetTable, given: Reading, with_index: Reading
) -> Iterator[Finding]:
    others = [name for name in workbook.sheets if name != table.sheet.name]
    if given.sheet is None and others:
        yield findings.other_sheets(table.sheet.name, others)
    if given.skip_top is None and table.skipped:
        yield findings.skipped_lines(table.skipped, "row")
    if given.header is None and not table.header:
        yield findings.no_header(table.first_row, "row")
    if table.has_index and with_index.columns[INDEX].type == "omitted":
        yield findings.index_column([INDEX])
    if table.cleaned:
        yield findings.invisible_characters(table.cleaned)
    if ranges := table.merged_ranges():
        yield findings.merged_cells(ranges)
    if not workbook.counts_errors:
        yield findings.uncounted_errors()


@dataclass(frozen=True, slots=True)
class WorkbookPiece:
    """Consecutive rows of a sheet, with all their cells."""

    positions: Mapping[str, int]
    fields: Sequence[Sequence[Cell]]
    rows: int
    errors: RowErrors = field(default_factory=RowErrors)

    def cells(self, name: str, kind: str) -> Sequence[object]:
        position = self.positions[name]
        return [_as_feature(row[position], kind) for row in self.fields]

    def texts(self) -> Iterator[list[str]]:
        """The rows as texts, in the order of the columns."""
        for row in self.fields:
            yield [shown(row[position]) for position in self.positions.values()]


class WorkbookStream:
    """Rows of the first sheet with the wanted columns, or else with a table."""

    def __init__(self, path: Path, limits: CsvLimits, wanted: Collection[str]) -> None:
        self._limits = limits
        workbook = open_workbook(path, limits)
        self._table = choose_table(workbook, DETECTED, limits, wanted)
        workbook.close()
        self.names = self._table.names

    def check_types(self, names: Iterable[str]) -> None:
        """Any column can be read; each cell is judged by itself."""

    def count(self) -> int:
        rows = size = 0
        for _, cells in self._table.rows():
            rows += 1
            size += sum(len(cell) for cell in cells if isinstance(cell, str))
            check_unpacked_size(size, self._limits)
        check_rows(rows, self._limits)
        return rows

    def pieces(self, rows: int) -> Iterator[WorkbookPiece]:
        positions = dict(zip(self.names, self._table.positions, strict=True))
        numbered = self._table.rows()
        while piece := list(islice(numbered, rows)):
            yield WorkbookPiece(positions, [cells for _, cells in piece], len(piece))


def _as_feature(cell: Cell, kind: str) -> object:
    """A number for a feature that is one, otherwise the text that training has read."""
    if is_missing(cell):
        return None
    if kind == "number":
        if isinstance(cell, int | float):
            return cell
        if not isinstance(cell, str) and (seconds := seconds_of(cell)) is not None:
            return seconds
    return shown(cell)
