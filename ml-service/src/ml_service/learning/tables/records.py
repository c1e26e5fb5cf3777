"""Where in a file something is: found slowly and exactly, once a refusal is certain."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ml_service.learning.tables.dialects import SAMPLED_CHARACTERS, Delimiter, find_delimiter

LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """One row as written, and the lines it spans."""

    line: int
    last_line: int
    fields: Sequence[str]


def records(content: bytes, delimiter: Delimiter) -> Iterator[Record]:
    """Every record that is not a blank line, the header first; raises csv.Error on a broken quote."""
    csv.field_size_limit(LONGEST_FIELD)
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    for fields in reader:
        if fields:
            yield Record(line, reader.line_num, fields)
        line = reader.line_num + 1


def place_after(text: str) -> tuple[int, str | None]:
    """The line, and the column if its header can be read, of what follows this beginning of a file."""
    line = 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
    delimiter = find_delimiter(text[:SAMPLED_CHARACTERS])
    try:
        # The mark makes the last field one that is there even when nothing of it was read.
        found = list(records(f"{text}x".encode(), delimiter))
    except csv.Error:
        return line, None
    names, position = found[0].fields, len(found[-1].fields) - 1
    return line, names[position].strip() if len(found) > 1 and position < len(names) else None


def line_of_cell(
    content: bytes, delimiter: Delimiter, position: int, wrong: Callable[[str], bool]
) -> int | None:
    """The line of the first row whose cell at this position is wrong."""
    rows = records(content, delimiter)
    next(rows)
    return next((row.line for row in rows if wrong(row.fields[position])), None)
