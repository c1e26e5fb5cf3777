"""Reading of whole files by settings: given ones, and detected ones, which the table has, too."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.arrow import Body
from ml_service.learning.tables.column_reader import ColumnReader
from ml_service.learning.tables.content import CsvText, read_text
from ml_service.learning.tables.header import INDEX, read_header
from ml_service.learning.tables.json_lines import is_json_lines, read_json_lines
from ml_service.learning.tables.layout import cut_lines, find_layout
from ml_service.learning.tables.parquet import is_parquet, read_parquet
from ml_service.learning.tables.records import check_quotes
from ml_service.learning.tables.settings import OMITTED, Reading
from ml_service.learning.tables.stored_files import require_file
from ml_service.learning.tables.table import DEFAULT_LIMITS, DETECTED, CsvLimits, Finding, Table, check_rows
from ml_service.learning.tables.workbook_files import is_workbook
from ml_service.learning.tables.workbooks import read_workbook


def read_table(
    path: Path,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    reading: Reading = DETECTED,
) -> Table:
    """Read CSV or JSON Lines, plain or gzip-compressed, a Parquet file or a workbook, whichever it is.

    Only columns named in `columns` are read. Raises a `CsvError` with the location of the fault.
    """
    require_file(path)
    if is_parquet(path):
        return read_parquet(path, limits, columns, reading)
    if is_workbook(path):
        return read_workbook(path, limits, columns, reading)
    return read_csv(path, limits, columns, reading)


def read_csv(
    path: Path,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    reading: Reading = DETECTED,
) -> Table:
    """Read a CSV file, or JSON Lines; the table's `reading` has all settings, detected ones included."""
    text = read_text(Path(path), reading.encoding, limits)
    if is_json_lines(text.sample):
        return read_json_lines(text, limits, columns, reading)
    layout = find_layout(text.sample, text.delimiter, reading)
    body = _read_body(text, layout, limits)
    if body.header.has_index:
        reading = Reading(columns={INDEX: OMITTED}).changed_by(reading)
    read = [name for name in body.header.names if _is_read(name, columns, reading)]
    reader = ColumnReader(body, layout)
    rows = reader.read(read)
    check_rows(rows, limits)
    settings = {name: column.reading for name, (column, _) in reader.columns.items()}
    settings |= {name: each for name, each in reading.columns.items() if each.type == "omitted"}
    return Table(
        body.header.names,
        {name: reader.columns[name][0] for name in read},
        rows,
        replace(
            layout,
            encoding=text.encoding,
            compression=text.compression,
            columns={name: settings[name] for name in body.header.names if name in settings},
        ),
        [
            *_find_in_file(text, body, reading, layout),
            *(finding for name in read for finding in reader.columns[name][1]),
        ],
    )


def _read_body(text: CsvText, layout: Reading, limits: CsvLimits) -> Body:
    delimiter, quote, above = layout.delimiter or ",", layout.quote or "", layout.skip_top or 0
    content = cut_lines(text.to_utf8(), above, layout.skip_bottom or 0)
    header = read_header(content, delimiter, quote, limits, given=layout.header is not False)
    if len(header.names) == 1:
        # Blank lines are missing cells, but editors add some at the end.
        content = content.rstrip(b"\r\n")
    check_quotes(content, delimiter, quote, above + 1)
    return Body(content, header, delimiter, quote, limits, above)


def _is_read(name: str, columns: Collection[str] | None, reading: Reading) -> bool:
    return (columns is None or name in columns) and reading.column(name).type != "omitted"


def _find_in_file(text: CsvText, body: Body, given: Reading, layout: Reading) -> Iterator[Finding]:
    if text.other_encodings is not None:
        yield findings.code_page(text.encoding, text.other_encodings)
    if given.skip_top is None and layout.skip_top:
        yield findings.skipped_lines(layout.skip_top)
    if given.header is None and not layout.header:
        yield findings.no_header(body.lines_above + 1)
    if body.header.has_index and given.columns[INDEX].type == "omitted":
        yield findings.index_column([INDEX])
    if body.header.cleaned:
        yield findings.invisible_characters(body.header.cleaned)
