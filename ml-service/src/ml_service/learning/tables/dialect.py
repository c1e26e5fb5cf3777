"""How a CSV file is written: encoding, delimiter, decimal sign."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Compression = Literal["gzip"]
Encoding = Literal["utf-8", "utf-16", "cp1252"]
Delimiter = Literal[",", ";", "\t", "|"]
Decimal = Literal[".", ","]

DELIMITERS: tuple[Delimiter, ...] = (",", ";", "\t", "|")
HINT = re.compile(rb'"?sep=([,;\t|])"?(?=[\r\n])', re.IGNORECASE)
SAMPLED_RECORDS = 20
SAMPLED_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, as far as it is known; what is None is found out when it is read."""

    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    decimal: Decimal | None = None
    compression: Compression | None = None


def take_hint(content: bytes) -> tuple[bytes, Delimiter | None]:
    """Without the `sep=;` that Excel may begin a file with (a blank line stays), and what it says."""
    found = HINT.match(content)
    if found is None:
        return content, None
    said = found[1].decode()
    return content[found.end() :], next(each for each in DELIMITERS if each == said)


def find_delimiter(sample: str) -> Delimiter:
    """The delimiter that splits most records like the header; the header decides between equals."""
    scores = {delimiter: _score(sample, delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def _score(sample: str, delimiter: Delimiter) -> tuple[float, int]:
    records = _records(sample, delimiter)
    width = len(records[0]) if records else 0
    if width < 2:
        return (0.0, 0)
    alike = sum(len(record) == width for record in records[1:])
    return ((1 + alike) / len(records), width)


def _records(sample: str, delimiter: Delimiter) -> Sequence[Sequence[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    records: list[list[str]] = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) > SAMPLED_RECORDS:
                break
    except csv.Error:
        pass  # what was read up to the trouble is sample enough
    return records
