"""Tables in sheets: the sheet, its header and the rows below it, set or detected as in CSV files."""

import contextlib
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from typing import Any

from python_calamine import CalamineSheet

from ml_service.learning.tables.dialect import QUOTE, SAMPLED_CHARACTERS, find_lines_above, has_header
from ml_service.learning.tables.errors import CsvError, EmptyFile, SheetUnknown
from ml_service.learning.tables.header import INDEX, check_names, clean_name
from ml_service.learning.tables.settings import Reading
from ml_service.learning.tables.table import CsvLimits
from ml_service.learning.tables.typed_cells import Cell, shown
from ml_service.learning.tables.workbook_files import Workbook

SAMPLED_ROWS = 40
# Characters of a cell, which distinguish a number from a name.
SAMPLED_CELL = 40
DELIMITER = ","
LINE_BREAKS = re.compile(r"[\r\n\t]+")

# The number that a spreadsheet shows, and the cells.
NumberedRow = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table in a sheet; `positions` are those of its columns, `header` is the number of its row or 0.

    `reading` has the settings by which it was found. `cleaned` and `has_index` are as in a Header.
    """

    sheet: CalamineSheet
    names: tuple[str, ...]
    positions: tuple[int, ...]
    header: int
    reading: Reading
    cleaned: tuple[str, ...] = ()
    has_index: bool = False
    skipped: int = 0

    @property
    def first_row(self) -> int:
        """The number of the first row below the header."""
        return max(self.header, self.reading.skip_top or 0) + 1

    def rows(self) -> Iterator[NumberedRow]:
        """The rows without blank ones, which are missing cells if there is one column."""
        rows = dropwhile(lambda row: row[0] < self.first_row, numbered_rows(self.sheet))
        filled = _until_last_filled(rows) if len(self.names) == 1 else filter(_is_filled, rows)
        bottom = self.reading.skip_bottom
        return _without_last(filled, bottom) if bottom else filled

    def merged_ranges(self) -> list[str]:
        """The merged cells below the header, such as A3:B4."""
        ranges, above = self.sheet.merged_cell_ranges or [], self.first_row - 1
        return [f"{cell_name(*first)}:{cell_name(*last)}" for first, last in ranges if first[0] >= above]


def choose_table(
    workbook: Workbook, reading: Reading, limits: CsvLimits, wanted: Collection[str] = ()
) -> SheetTable:
    """The table of the set sheet, or of the first one that has several columns and rows.

    Without a set sheet, one that has all wanted columns is preferred. Raises SheetUnknown and EmptyFile.
    """
    if reading.sheet is not None:
        return find_table(workbook.load(_match_sheet(workbook, reading.sheet)), reading, limits)
    first = fallback = None
    for sheet in map(workbook.load, workbook.sheets):
        if not any(map(_is_filled, numbered_rows(sheet))):
            continue
        if wanted:
            with contextlib.suppress(CsvError):
                table = find_table(sheet, reading, limits)
                if set(table.names).issuperset(wanted):
                    return table
        if sheet.height > 1 and sheet.width > 1:
            first = first or sheet
            if not wanted:
                break
        fallback = fallback or sheet
    chosen = first or fallback
    if chosen is None:
        raise EmptyFile("The workbook has no filled cells; send a sheet with a header and rows.")
    return find_table(chosen, reading, limits)


def find_table(sheet: CalamineSheet, reading: Reading, limits: CsvLimits) -> SheetTable:
    reading = _find_layout(sheet, reading)
    top = reading.skip_top or 0
    found = next((row for row in numbered_rows(sheet) if row[0] > top and _is_filled(row)), None)
    if found is None:
        raise EmptyFile(f"The sheet '{sheet.name}' has no cells there; set another one, or skip fewer rows.")
    number, cells = found
    is_first = sheet.start is None or sheet.start[0] == number - 1
    skipped = 0 if is_first else number - 1
    reading = replace(reading, skip_top=number - 1)
    if not reading.header:
        names = tuple(f"column_{position}" for position in range(1, sheet.width + 1))
        check_names(names, None, limits)
        return SheetTable(sheet, names, tuple(range(sheet.width)), 0, reading, skipped=skipped)
    return _with_header(SheetTable(sheet, (), (), number, reading, skipped=skipped), cells, limits)


def numbered_rows(sheet: CalamineSheet) -> Iterator[NumberedRow]:
    start = sheet.start
    if start is None:
        return iter(())
    # Calamine gives the rows above the first filled one, too, but not the columns.
    return enumerate(islice(sheet.iter_rows(), start[0], None), start[0] + 1)


def cell_name(row: int, column: int) -> str:
    """The name of a cell, such as D3; row and column count from 0."""
    letters, column = "", column + 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def _with_header(table: SheetTable, cells: Sequence[Cell], limits: CsvLimits) -> SheetTable:
    """The table with the names of a header; columns without a name and without a cell are none."""
    fields = [shown(cell) for cell in cells]
    nameless = {position for position, name in enumerate(fields) if not clean_name(name)}
    positions = sorted({*range(len(fields))} - nameless | _filled_positions(table, nameless))
    # Line breaks in a name are there for its display.
    fields = [" ".join(map(str.strip, LINE_BREAKS.split(fields[position]))) for position in positions]
    has_index = len(fields) > 1 and not clean_name(fields[0]) and all(map(clean_name, fields[1:]))
    if has_index:
        fields[0] = INDEX
    _, left = table.sheet.start or (0, 0)

    def locate(position: int) -> dict[str, Any]:  # Any: members of a refusal
        cell = cell_name(table.header - 1, left + positions[position - 1])
        return {"row": table.header, "cell": cell}

    names = check_names(fields, None, limits, locate)
    read = [shown(cells[position]).strip() for position in positions]
    cleaned = [name for name, field in zip(names, read, strict=True) if name not in {field, INDEX}]
    found = replace(table, names=names, positions=tuple(positions))
    return replace(found, cleaned=tuple(cleaned), has_index=has_index)


def _filled_positions(table: SheetTable, positions: set[int]) -> set[int]:
    """Those with a cell below the header."""
    empty = set(positions)
    for number, cells in numbered_rows(table.sheet):
        if not empty:
            break
        if number > table.header:
            empty = {position for position in empty if cells[position] == ""}
    return positions - empty


def _find_layout(sheet: CalamineSheet, reading: Reading) -> Reading:
    """The settings with those of the layout filled in, from the first filled rows."""
    rows = (row for row in numbered_rows(sheet) if row[0] > (reading.skip_top or 0))
    sample = list(islice(filter(_is_filled, rows), SAMPLED_ROWS))
    lines = _as_lines([cells for _, cells in sample])
    above = 0
    if reading.skip_top is None and reading.header is None:
        above = find_lines_above("".join(lines), DELIMITER)
    header = reading.header
    if header is None:
        header = has_header("".join(lines[above:]), DELIMITER)
    top = reading.skip_top
    if top is None:
        top = sample[above][0] - 1 if sample else 0
    bottom = reading.skip_bottom or 0
    return replace(reading, sheet=sheet.name, header=header, skip_top=top, skip_bottom=bottom)


def _as_lines(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The rows as CSV, all as wide as most of them: notes beside the table do not make it wider."""
    if not rows:
        return []
    texts = [[" ".join(shown(cell)[:SAMPLED_CELL].split()) for cell in row] for row in rows]
    filled = [max((place for place, text in enumerate(row, 1) if text), default=0) for row in texts]
    width = Counter(filled[1:] or filled).most_common(1)[0][0]
    lines: list[str] = []
    for row in texts:
        line = io.StringIO()
        csv.writer(line, delimiter=DELIMITER, quotechar=QUOTE, lineterminator="\n").writerow(row[:width])
        lines.append(line.getvalue())
        if sum(map(len, lines)) > SAMPLED_CHARACTERS // 2:
            break
    return lines


def _match_sheet(workbook: Workbook, name: str) -> str:
    by_folded = {sheet.strip().casefold(): sheet for sheet in workbook.sheets}
    if name in workbook.sheets:
        return name
    if name.strip().casefold() in by_folded:
        return by_folded[name.strip().casefold()]
    listed = ", ".join(f"'{sheet}'" for sheet in workbook.sheets)
    raise SheetUnknown(f"The workbook has no sheet with this name; it has {listed}.")


def _is_filled(row: NumberedRow) -> bool:
    return row[1].count("") < len(row[1])


def _until_last_filled(rows: Iterable[NumberedRow]) -> Iterator[NumberedRow]:
    blank: list[NumberedRow] = []
    for row in rows:
        blank.append(row)
        if _is_filled(row):
            yield from blank
            blank = []


def _without_last(rows: Iterable[NumberedRow], count: int) -> Iterator[NumberedRow]:
    held: deque[NumberedRow] = deque()
    for row in rows:
        held.append(row)
        if len(held) > count:
            yield held.popleft()
