"""Tables in memory: typed columns, and the limits of their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from ml_service.learning.tables.dialect import Dialect
from ml_service.learning.tables.errors import FileTooLarge, NoRows, TooManyRows

Json = dict[str, Any]  # Any: decoded JSON
ColumnType = Literal["number", "text", "date", "empty"]
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


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is the column's type; `whole` marks integers, `corrected` a type set by the table's owner."""

    name: str
    kind: ColumnType
    missing: int
    whole: bool
    cells: pa.ChunkedArray
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`header` names all columns of the file, `columns` has only those read; Parquet has no dialect."""

    header: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: int
    dialect: Dialect | None


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
