"""CSV records with the lines they span: where a fault is, found slowly once a refusal is certain."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from ml_service.learning.tables.dialect import SAMPLED_CHARACTERS, Delimiter, find_delimiter
from ml_service.learning.tables.errors import BadQuote

LONGEST_FIELD = 2**31 - 1
QUOTE = ord('"')
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One row as written, and the lines it spans."""

    line: int
    last_line: int
    fields: Sequence[str]


def records(content: bytes, delimiter: Delimiter) -> Iterator[Record]:
    """Every record that is not a blank line, the header first; raises csv.Error on a broken quote."""
    return records_of(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""), delimiter)


def records_of(lines: Iterable[str], delimiter: Delimiter) -> Iterator[Record]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    for fields in reader:
        if fields:
            yield Record(line, reader.line_num, fields)
        line = reader.line_num + 1


def place_of_last_cell(lines: Iterator[str]) -> tuple[int, str | None]:
    """The line of the last cell of this beginning of a file, and its column if the header can be read."""
    counted = _Counted(lines)
    begin = list(_take_sample(counted))
    try:
        found = records_of(chain(begin, counted), find_delimiter("".join(begin)))
        header = last = next(found)
        for record in found:
            last = record
    except (csv.Error, StopIteration):
        for _ in counted:
            pass
        return counted.lines, None
    position = len(last.fields) - 1
    is_below_header = last is not header and position < len(header.fields)
    return counted.lines, header.fields[position].strip() if is_below_header else None


def line_of_cell(
    content: bytes, delimiter: Delimiter, position: int, wrong: Callable[[str], bool]
) -> int | None:
    """The line of the first row whose cell at this position is wrong."""
    rows = records(content, delimiter)
    next(rows)
    return next((row.line for row in rows if wrong(row.fields[position])), None)


def check_quotes(content: bytes, delimiter: Delimiter) -> None:
    """Raise BadQuote unless quotes enclose whole fields, are doubled inside them, and are closed."""
    if _enclose_fields(content, delimiter):
        return
    # A quote inside a field without quotes stands for itself, so only a full reading can decide.
    line = 1
    try:
        for record in records(content, delimiter):
            line = record.last_line + 1
    except csv.Error as error:
        raise BadQuote(
            "A quoted field that begins here is not closed, or text follows its closing quote.", line=line
        ) from error


class _Counted(Iterator[str]):
    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.lines = lines, 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.lines += 1
        return line


def _take_sample(lines: Iterator[str]) -> Iterator[str]:
    size = 0
    while size < SAMPLED_CHARACTERS and (line := next(lines, None)) is not None:
        size += len(line)
        yield line


def _enclose_fields(content: bytes, delimiter: Delimiter) -> bool:
    """Each odd quote must follow a field's edge or a quote, each even one come before one."""
    letters = np.frombuffer(content, np.uint8)
    edges = np.zeros(256, dtype=bool)
    edges[[QUOTE, ord(delimiter), ord("\n"), ord("\r")]] = True
    seen = 0
    for start in range(0, len(letters), CHUNK):
        quotes = np.flatnonzero(letters[start : start + CHUNK] == QUOTE) + start
        opening, closing = quotes[seen % 2 :: 2], quotes[1 - seen % 2 :: 2]
        if not _at_edges(letters, opening - 1, edges) or not _at_edges(letters, closing + 1, edges):
            return False
        seen += len(quotes)
    return seen % 2 == 0


def _at_edges(
    letters: npt.NDArray[np.uint8], positions: npt.NDArray[np.int64], edges: npt.NDArray[np.bool_]
) -> bool:
    inside = positions[(positions >= 0) & (positions < len(letters))]
    return bool(edges[letters[inside]].all())
