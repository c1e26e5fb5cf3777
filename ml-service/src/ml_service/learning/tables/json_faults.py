"""Faults of JSON Lines: a slow search for the line that Arrow has refused, which it does not name."""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from ml_service.learning.tables.column_values import SENTENCES
from ml_service.learning.tables.errors import (
    CellTooLong,
    CorruptJson,
    CsvError,
    JsonTypesMixed,
    JsonTypeUnsupported,
    TextInNumberColumn,
)
from ml_service.learning.tables.number_notation import LARGEST_NUMBER
from ml_service.learning.tables.table import MEGABYTE, ROW_BYTES

Kind = Literal["number", "text", "truth value"]
Pairs = list[tuple[str, Any]]  # Any: decoded JSON

KINDS: dict[type, Kind] = {int: "number", float: "number", str: "text", bool: "truth value"}
ONE_EACH_LINE = 'write one object on each line, such as {"a": 1}.'
HALF_A_CHARACTER = "This cell has half of a character; write the text in UTF-8."
NESTED = "There is a list or an object in a cell here; write each part of it as a column of its own."


def find_fault(content: bytes, lines_before: int = 0) -> CsvError:
    """The refusal of the first line that cannot be read, or that differs from the ones above it."""
    kinds: dict[str, Kind] = {}
    for line, text in numbered_lines(content, lines_before):
        if len(text) > ROW_BYTES:
            return CellTooLong(f"A row is over {ROW_BYTES // MEGABYTE} MB; shorten it.", line=line)
        pairs = _read_object(text)
        if pairs is None:
            return CorruptJson(f"This line is not one JSON object; {ONE_EACH_LINE}", line=line)
        if (refusal := _find_in_object(pairs, kinds, line)) is not None:
            return refusal
    return CorruptJson(f"The file cannot be read as JSON Lines; {ONE_EACH_LINE}")


def numbered_lines(content: bytes, lines_before: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank."""
    lines: Iterable[bytes] = io.BytesIO(content)
    return ((number, line) for number, line in enumerate(lines, lines_before + 1) if line.strip())


def _read_object(text: bytes) -> Pairs | None:
    try:
        read = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None
    return read.pairs if isinstance(read, _Object) else None


class _Object:
    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def _is_unicode(text: str) -> bool:
    """False for a text with a lone surrogate, which JSON can escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_in_object(pairs: Pairs, kinds: dict[str, Kind], line: int) -> CsvError | None:
    """Compare the cells of a row with the kinds of those above, to which they are added."""
    if len({name for name, _ in pairs}) < len(pairs):
        return CorruptJson("A name stands twice in this object; remove one.", line=line)
    for name, cell in pairs:
        if isinstance(cell, list | _Object):
            return JsonTypeUnsupported(NESTED, line=line, column=name)
        if isinstance(cell, str) and not _is_unicode(cell):
            return CorruptJson(HALF_A_CHARACTER, line=line, column=name)
        if isinstance(cell, float) and abs(cell) > LARGEST_NUMBER:
            return TextInNumberColumn(SENTENCES[TextInNumberColumn], line=line, column=name)
        kind = None if cell is None else KINDS[type(cell)]
        above = kinds.setdefault(name, kind) if kind else None
        if above != kind:
            return JsonTypesMixed(
                f"This cell is a {kind}, those above it are {above}s; write all cells of a column alike, and "
                "null for a missing one.",
                line=line,
                column=name,
            )
    return None
