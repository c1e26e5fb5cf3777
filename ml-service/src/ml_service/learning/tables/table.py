"""Tables in memory: typed columns, and the limits of their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from ml_service.learning.tables.errors import FileTooLarge, NoRows, TooManyRows
from ml_service.learning.tables.settings import ColumnReading, Reading

ColumnType = Literal["number", "text", "date", "empty"]
Format = Literal["csv", "parquet", "workbook", "json"]
PlaceName = Literal["line", "row"]
Severity = Literal["info", "warning", "serious"]
# Errors of unusable rows by row index.
RowErrors = dict[int, str]

MEGABYTE = 1024 * 1024
ROW_BYTES = 4 * MEGABYTE
LINES_PER_ROW = 4


@dataclass(frozen=True, slots=True)
class CsvLimits:
    """Limits of a table's file, published by `GET /v1/limits`: sizes in bytes, lengths in characters."""

    file_bytes: int = 50 * MEGABYTE
    unpacked_bytes: int = 200 * MEGABYTE
    rows: int = 5_000_000
    columns: int = 2_000
    name_length: int = 100
    cell_length: int = 32_768


DEFAULT_LIMITS = CsvLimits()
DETECTED, DETECTED_COLUMN = Reading(), ColumnReading()


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about data before training; `column` is None if it concerns all rows."""

    code: str
    severity: Severity
    column: str | None
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The cells of a column that its owner has to decide about, as they are not of the type of the others.

    `places` are the first of them: lines of a CSV file, or rows of others.
    """

    type: Literal["number", "date"]
    cells: int
    place: PlaceName
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is the column's type for learning; `whole` marks integers.

    `reading` has the settings by which the cells were read. A column with a `decision` has texts.
    """

    name: str
    kind: ColumnType
    missing: int
    whole: bool
    cells: pa.ChunkedArray
    reading: ColumnReading = DETECTED_COLUMN
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`header` names all columns of the file, `columns` has only those read and not left out.

    `sheets` names those of a workbook, visible ones first.
    """

    header: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: int
    reading: Reading = DETECTED
    findings: Sequence[Finding] = ()
    format: Format = "csv"
    sheets: Sequence[str] = ()


def check_rows(rows: int, limits: CsvLimits) -> None:
    if rows == 0:
        raise NoRows("There is a header but no row below it; add rows.")
    if rows > limits.rows:
        raise TooManyRows(f"There are {rows} rows; the limit is {limits.rows}.")


def check_lines(lines: int, limits: CsvLimits) -> None:
    """Bound the lines, of which a row has two characters of line end, or several in quotes; blank ones count.

    A reader that looks for a fault goes through all lines one by one.
    """
    if lines > LINES_PER_ROW * limits.rows:
        raise TooManyRows(
            f"There are over {LINES_PER_ROW * limits.rows} lines; send fewer rows, without blank lines."
        )


def check_file_size(size: int, limits: CsvLimits) -> None:
    if size > limits.file_bytes:
        raise FileTooLarge(f"The file is over the limit of {limits.file_bytes // MEGABYTE} MB.")


def check_unpacked_size(size: int, limits: CsvLimits) -> None:
    if size > limits.unpacked_bytes:
        raise FileTooLarge(f"Unpacked, the file is over the limit of {limits.unpacked_bytes // MEGABYTE} MB.")
