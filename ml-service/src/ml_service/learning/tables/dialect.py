"""CSV dialects: the delimiter, the lines above the table, and the question whether there is a header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from _csv import Reader

Compression = Literal["gzip"]
Decimal = Literal[".", ","]

DELIMITERS = (",", ";", "\t", "|")
QUOTE = '"'
HINT = re.compile(r'"?sep=([,;\t|])"?(?=[\r\n])', re.IGNORECASE)
SAMPLED_RECORDS = 20
SAMPLED_CHARACTERS = 65_536
MOST_LINES_ABOVE = 12
# A title above a table may be followed by delimiters, as spreadsheets write all lines equally wide.
FEWEST_ROWS_BELOW = 2
NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?")
FRACTION = re.compile(r"^[+-]?\d*[.,]\d+([eE][+-]?\d+)?$")

YEARS = range(1800, 2101)

Records = Sequence[Sequence[str]]


def find_hint(text: str) -> tuple[int, str | None]:
    """Length and delimiter of a leading `sep=;`, as Excel writes it, without the line end."""
    match = HINT.match(text)
    return (0, None) if match is None else (match.end(), match[1])


def find_delimiter(sample: str, quote: str = QUOTE) -> str:
    """The delimiter with the largest share of records as wide as the header; ties go to the wider header."""
    return max(DELIMITERS, key=lambda delimiter: _score(_sample_records(sample, delimiter, quote)))


def find_lines_above(sample: str, delimiter: str, quote: str = QUOTE) -> int:
    """The number of lines above the table, such as a title: all narrower than every record below them."""
    lines = sample[:SAMPLED_CHARACTERS].splitlines(keepends=True)
    remarks = _count_remarks(lines, delimiter, quote)
    if remarks:
        return remarks
    records = _sample_records(sample, delimiter, quote)
    widths = [_filled_width(record) for record in records]
    if len(widths) <= FEWEST_ROWS_BELOW:
        return 0
    width, _ = Counter(len(record) for record in records[1:]).most_common(1)[0]
    if width < 2 or widths[0] >= width or widths[0] > max(1, width // 2):
        return 0
    for above in range(1, min(MOST_LINES_ABOVE, len(lines) - 1)):
        below = _sample_records("".join(lines[above:]), delimiter, quote)
        starts = bool(lines[above].strip()) and len(below) > FEWEST_ROWS_BELOW
        if starts and _filled_width(below[0]) == width and all(len(record) == width for record in below):
            return above
    return 0


def _count_remarks(lines: Sequence[str], delimiter: str, quote: str) -> int:
    """The number of lines that begin with #, without a last one that has the names of the columns below."""
    remarks = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    if not remarks:
        return 0
    names, *rows = [*_sample_records("".join(lines[remarks - 1 :]), delimiter, quote), ()]
    rows = [row for row in rows if row]
    is_header = len(names) > 1 and bool(rows) and all(len(row) == len(names) for row in rows)
    has_other_header = bool(rows) and not any(NUMBER.fullmatch(cell.strip()) for cell in rows[0])
    return remarks - 1 if is_header and not has_other_header else remarks


def has_header(sample: str, delimiter: str, quote: str = QUOTE) -> bool:
    """False if the first record has data: numbers only, or a fraction above a column of numbers.

    Whole numbers that count up are names, as are years.
    """
    first, *rows = _sample_records(sample, delimiter, quote) or [()]
    names = [name.strip() for name in first]
    if names and not names[0] and all(names[1:]):
        # R leaves out the name above the names of rows.
        return True
    if all(map(NUMBER.fullmatch, names)):
        return _are_numbered(names)
    return not any(
        FRACTION.fullmatch(name) and rows and all(_is_number_or_blank(row, place) for row in rows)
        for place, name in enumerate(names)
    )


def _are_numbered(names: Sequence[str]) -> bool:
    """True for whole numbers that count up, and for years in their order."""
    if not names or not all(name.isdigit() for name in names):
        return False
    numbers = [int(name) for name in names]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return True
    return all(number in YEARS for number in numbers) and numbers == sorted(set(numbers))


def _is_number_or_blank(row: Sequence[str], place: int) -> bool:
    cell = row[place].strip() if place < len(row) else ""
    return not cell or NUMBER.fullmatch(cell) is not None


def _filled_width(record: Sequence[str]) -> int:
    """The number of fields up to the last one with a text."""
    return max((place for place, field in enumerate(record, start=1) if field.strip()), default=0)


def _score(records: Records) -> tuple[float, int]:
    width = Counter(map(len, records)).most_common(1)[0][0] if records else 0
    if width < 2:
        return (0.0, 0)
    return (sum(len(record) == width for record in records) / len(records), width)


def _sample_records(sample: str, delimiter: str, quote: str) -> Records:
    text = io.StringIO(sample[:SAMPLED_CHARACTERS], newline="")
    reader = csv_reader(text, delimiter, quote, strict=False)
    records: list[list[str]] = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) > SAMPLED_RECORDS:
                break
    except csv.Error:
        pass  # the records before the fault are a sufficient sample
    return records


def csv_reader(lines: Iterable[str], delimiter: str, quote: str, *, strict: bool) -> "Reader":
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    return csv.reader(lines, delimiter=delimiter, quotechar=quote or None, quoting=quoting, strict=strict)
