"""CSV records with their line numbers: slow, for the header and for locating the fault of a refused file."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from ml_service.learning.tables.dialect import QUOTE, SAMPLED_CHARACTERS, csv_reader, find_delimiter
from ml_service.learning.tables.errors import BadQuote, CellTooLong
from ml_service.learning.tables.table import MEGABYTE, ROW_BYTES

LONGEST_FIELD = 2**31 - 1
# So many bytes, and what is computed of them, stay in a processor's cache; scans of 1 MiB took twice as long.
SCANNED_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class Record:
    """The unconverted fields of a row, and the lines that it spans."""

    line: int
    last_line: int
    fields: Sequence[str]


def records(
    content: bytes, delimiter: str, quote: str = QUOTE, *, blank_lines: bool = False
) -> Iterator[Record]:
    """All records, the header first; raises csv.Error for a broken quote.

    Blank lines are no records, or one with an empty field below a header of one column.
    """
    return records_of(_bounded_lines(content), delimiter, quote, blank_lines=blank_lines)


def _bounded_lines(content: bytes) -> Iterator[str]:
    """The lines of a text, refused if one is so long that its fields would fill the memory."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace", newline="")
    while line := text.readline(ROW_BYTES):
        if len(line) == ROW_BYTES:
            raise CellTooLong(f"A row is over {ROW_BYTES // MEGABYTE} MB; shorten it.")
        yield line


def records_of(
    lines: Iterable[str], delimiter: str, quote: str = QUOTE, *, blank_lines: bool = False
) -> Iterator[Record]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv_reader(lines, delimiter, quote, strict=True)
    line, begun = 1, False
    for fields in reader:
        if fields or (blank_lines and begun):
            yield Record(line, reader.line_num, fields or [""])
            begun = True
        line = reader.line_num + 1


def locate_last_cell(lines: Iterator[str]) -> tuple[int, str | None]:
    """Line and column of the last cell of a truncated text; no column if its header cannot be read."""
    counted = _LineCounter(lines)
    sample = list(_take_sample(counted))
    try:
        rows = records_of(chain(sample, counted), find_delimiter("".join(sample)))
        header = last = next(rows)
        for row in rows:
            last = row
    except (csv.Error, StopIteration):
        for _ in counted:
            pass
        return counted.lines, None
    position = len(last.fields) - 1
    is_below_header = last is not header and position < len(header.fields)
    return counted.lines, header.fields[position].strip() if is_below_header else None


def check_quotes(content: bytes, delimiter: str, quote: str = QUOTE, first_line: int = 1) -> None:
    """Raise BadQuote unless quotes enclose whole fields, are doubled inside them, and are closed."""
    if not quote or quote.encode() not in content or _quotes_enclose_fields(content, delimiter, quote):
        return
    # A quote inside an unquoted field is literal, so only a full pass decides.
    line = first_line
    try:
        for record in records(content, delimiter, quote):
            line = record.last_line + first_line
    except csv.Error as error:
        raise BadQuote(
            "A quoted field that begins here is not closed, or text follows its closing quote.", line=line
        ) from error


class _LineCounter(Iterator[str]):
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


def _quotes_enclose_fields(content: bytes, delimiter: str, quote: str) -> bool:
    """True if each odd quote follows a field's edge or a quote, and each even one precedes one."""
    codes = np.frombuffer(content, np.uint8)
    edges = np.zeros(256, dtype=bool)
    edges[[ord(quote), ord(delimiter), ord("\n"), ord("\r")]] = True
    count = 0
    for start in range(0, len(codes), SCANNED_BYTES):
        quotes = np.flatnonzero(codes[start : start + SCANNED_BYTES] == ord(quote)) + start
        opening, closing = quotes[count % 2 :: 2], quotes[1 - count % 2 :: 2]
        if not _at_edges(codes, opening - 1, edges) or not _at_edges(codes, closing + 1, edges):
            return False
        count += len(quotes)
    return count % 2 == 0


def _at_edges(
    codes: npt.NDArray[np.uint8], positions: npt.NDArray[np.int64], edges: npt.NDArray[np.bool_]
) -> bool:
    inside = positions[(positions >= 0) & (positions < len(codes))]
    return bool(edges[codes[inside]].all())
