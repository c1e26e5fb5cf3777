"""Header record: column names, and the offset of the first row."""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ml_service.learning.tables.dialect import Delimiter
from ml_service.learning.tables.errors import (
    BadQuote,
    DuplicateHeader,
    EmptyHeader,
    HeaderMissing,
    HeaderTooLong,
    HeaderUnusable,
    TooManyColumns,
)
from ml_service.learning.tables.records import records
from ml_service.learning.tables.table import ROW_BYTES, CsvLimits

LINE_END = re.compile(rb"\r\n|\n|\r")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Header:
    """Column names, the line of the header, and the byte offset of the first row."""

    names: tuple[str, ...]
    line: int
    end: int


def read_header(content: bytes, delimiter: Delimiter, limits: CsvLimits) -> Header:
    try:
        # A longer header has too many columns or too long a name anyway.
        record = next(records(content[:ROW_BYTES], delimiter))
    except csv.Error as error:
        raise BadQuote("A quote in the header is never closed, or text follows it.", line=1) from error
    names = check_names(record.fields, record.line, limits)
    _check_not_data(names, record.line)
    return Header(names, record.line, _end_of_line(content, record.last_line))


def check_names(header: Sequence[str], line: int | None, limits: CsvLimits) -> tuple[str, ...]:
    """Strip and check column names."""
    names = tuple(name.strip() for name in header)
    _check_width(names, line, limits)
    for position, name in enumerate(names, start=1):
        _check_name(name, position, line, limits)
    _check_distinct(names, line)
    return names


def _check_width(names: Sequence[str], line: int | None, limits: CsvLimits) -> None:
    if len(names) > limits.columns:
        raise TooManyColumns(f"There are {len(names)} columns; the limit is {limits.columns}.", line=line)


def _check_name(name: str, position: int, line: int | None, limits: CsvLimits) -> None:
    if not name:
        raise EmptyHeader(f"Column {position} has no name; every column needs one.", line=line)
    if len(name) > limits.name_length:
        raise HeaderTooLong(
            f"The name of column {position} is over {limits.name_length} characters; shorten it.", line=line
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise HeaderUnusable(
            f"The name of column {position} contains a line break, tab or control character.", line=line
        )


def _check_distinct(names: Sequence[str], line: int | None) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DuplicateHeader("This name is used twice; rename one.", line=line, column=name)
        seen.add(name)


def _check_not_data(names: Sequence[str], line: int) -> None:
    numbers = all(NUMBER.fullmatch(name) for name in names)
    if numbers and not all(name.isdigit() for name in names):
        raise HeaderMissing("The first line contains numbers; it must contain the column names.", line=line)


def _end_of_line(content: bytes, line: int) -> int:
    position = 0
    for _ in range(line):
        end = LINE_END.search(content, position)
        if end is None:
            return len(content)
        position = end.end()
    return position
