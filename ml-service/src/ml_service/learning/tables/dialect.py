"""CSV dialects: encoding, delimiter and decimal sign, with detection of the delimiter."""

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
HINT = re.compile(r'"?sep=([,;\t|])"?(?=[\r\n])', re.IGNORECASE)
SAMPLED_RECORDS = 20
SAMPLED_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class Dialect:
    """A CSV dialect; None stands for a value to detect."""

    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    decimal: Decimal | None = None
    compression: Compression | None = None


def find_hint(text: str) -> tuple[int, Delimiter | None]:
    """Length and delimiter of a leading `sep=;`, as Excel writes it, without the line end."""
    match = HINT.match(text)
    if match is None:
        return 0, None
    return match.end(), next(delimiter for delimiter in DELIMITERS if delimiter == match[1])


def find_delimiter(sample: str) -> Delimiter:
    """The delimiter with the largest share of records as wide as the header; ties go to the wider header."""
    sample = sample[:SAMPLED_CHARACTERS]
    scores = {delimiter: _score(sample, delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def _score(sample: str, delimiter: Delimiter) -> tuple[float, int]:
    records = _sample_records(sample, delimiter)
    width = len(records[0]) if records else 0
    if width < 2:
        return (0.0, 0)
    alike = sum(len(record) == width for record in records[1:])
    return ((1 + alike) / len(records), width)


def _sample_records(sample: str, delimiter: Delimiter) -> Sequence[Sequence[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
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
