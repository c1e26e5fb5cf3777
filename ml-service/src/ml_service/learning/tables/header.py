"""Header record: column names, and the offset of the first row."""

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_service.learning.tables.errors import (
    BadQuote,
    DuplicateHeader,
    EmptyFile,
    EmptyHeader,
    HeaderTooLong,
    HeaderUnusable,
    TooManyColumns,
)
from ml_service.learning.tables.records import records
from ml_service.learning.tables.table import ROW_BYTES, CsvLimits

LINE_END = re.compile(rb"\r\n|\n|\r")
# The name of a first column without a name.
INDEX = "column_1"
# Format characters that join letters and emojis; others have no width and no meaning in a name.
JOINERS = {"\u200c", "\u200d"}

# The members of a refusal that name the place of a column, counted from 1.
Locate = Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Header:
    """Column names, the line of the header (0 without one), and the byte offset of the first row.

    `cleaned` are the names that had invisible characters. `has_index` is true if the first column alone has
    no name, as R and pandas write the names of rows.
    """

    names: tuple[str, ...]
    line: int
    end: int
    cleaned: tuple[str, ...] = ()
    has_index: bool = False


def read_header(content: bytes, delimiter: str, quote: str, limits: CsvLimits, *, given: bool) -> Header:
    """The header, whose names are column_1, column_2 and so on if the content begins with data."""
    try:
        # A longer header has too many columns or too long a name anyway.
        record = next(records(content[:ROW_BYTES], delimiter, quote), None)
    except csv.Error as error:
        raise BadQuote("A quote in the header is never closed, or text follows it.", line=1) from error
    if record is None:
        raise EmptyFile("No line is left below the skipped ones; skip fewer lines.")
    if not given:
        names = tuple(f"column_{position}" for position in range(1, len(record.fields) + 1))
        return Header(check_names(names, record.line, limits), 0, 0)
    fields = list(record.fields)
    has_index = len(fields) > 1 and not clean_name(fields[0]) and all(map(clean_name, fields[1:]))
    if has_index:
        fields[0] = INDEX
    names = check_names(fields, record.line, limits)
    cleaned = tuple(name for name, read in zip(names, fields, strict=True) if name != read.strip(" \t"))
    end = _end_of_line(content, record.last_line)
    return Header(names, record.last_line, end, cleaned, has_index)


def clean_name(name: str) -> str:
    """A column's name without the blanks around it and without invisible characters."""
    visible = (
        letter if letter in JOINERS or unicodedata.category(letter) not in {"Cf", "Zs"} else _blank(letter)
        for letter in name
    )
    return "".join(visible).strip().strip("".join(JOINERS))


def check_names(
    header: Sequence[str], line: int | None, limits: CsvLimits, locate: Locate | None = None
) -> tuple[str, ...]:
    """Clean and check column names; a refusal names the line, or the place that `locate` gives."""
    names = tuple(map(clean_name, header))
    place: Locate = locate or (lambda _: {"line": line})
    if len(names) > limits.columns:
        raise TooManyColumns(f"There are {len(names)} columns; the limit is {limits.columns}.", line=line)
    for position, name in enumerate(names, start=1):
        _check_name(name, position, place(position), limits)
    _check_distinct(names, place)
    return names


def _blank(letter: str) -> str:
    return " " if unicodedata.category(letter) == "Zs" else ""


def _check_name(name: str, position: int, place: Mapping[str, Any], limits: CsvLimits) -> None:
    if not name:
        raise EmptyHeader(f"Column {position} has no name; every column needs one.", **place)
    if len(name) > limits.name_length:
        raise HeaderTooLong(
            f"The name of column {position} is over {limits.name_length} characters; shorten it.", **place
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise HeaderUnusable(
            f"The name of column {position} contains a line break, tab or control character.", **place
        )


def _check_distinct(names: Sequence[str], locate: Locate) -> None:
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if name in seen:
            raise DuplicateHeader("This name is used twice; rename one.", column=name, **locate(position))
        seen.add(name)


def _end_of_line(content: bytes, line: int) -> int:
    position = 0
    for _ in range(line):
        end = LINE_END.search(content, position)
        if end is None:
            return len(content)
        position = end.end()
    return position
