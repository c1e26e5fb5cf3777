"""Layout of a CSV file: delimiter, quote, header and the lines around the table, set or detected."""

from dataclasses import replace

from ml_service.learning.tables.dialect import (
    QUOTE,
    find_delimiter,
    find_lines_above,
    has_header,
)
from ml_service.learning.tables.header import LINE_END
from ml_service.learning.tables.settings import Reading


def find_layout(sample: str, hinted_delimiter: str | None, reading: Reading) -> Reading:
    """The settings with those of the layout filled in, from the beginning of the text."""
    quote = QUOTE if reading.quote is None else reading.quote
    skip_top = reading.skip_top
    below = _skip_lines(sample, skip_top or 0)
    delimiter = reading.delimiter or hinted_delimiter or find_delimiter(below, quote)
    if skip_top is None:
        # A set header is where the settings say.
        skip_top = 0 if reading.header is not None else find_lines_above(sample, delimiter, quote)
        below = _skip_lines(sample, skip_top)
    header = has_header(below, delimiter, quote) if reading.header is None else reading.header
    return replace(
        reading,
        delimiter=delimiter,
        quote=quote,
        header=header,
        skip_top=skip_top,
        skip_bottom=reading.skip_bottom or 0,
    )


def cut_lines(content: bytes, top: int, bottom: int) -> bytes:
    """The content without some lines at its top and bottom; blank lines at the bottom do not count."""
    start = 0
    for _ in range(top):
        end = LINE_END.search(content, start)
        start = len(content) if end is None else end.end()
    if not bottom:
        return content[start:] if start else content
    end = len(content.rstrip(b"\r\n"))
    for _ in range(bottom):
        line_end = max(content.rfind(b"\n", start, end), content.rfind(b"\r", start, end))
        end = max(line_end, start)
        end = start + len(content[start:end].rstrip(b"\r\n"))
    return content[start:end]


def _skip_lines(text: str, lines: int) -> str:
    return "".join(text.splitlines(keepends=True)[lines:]) if lines else text
