"""Cases of the corpus: a small file, corrected settings, and its golden reading or refusal."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ml_service.learning.tables import Reading

Cell = str | int | float | datetime.datetime | None

# The settings of a plain file, which a case overrides if it is about them.
PLAIN: Mapping[str, object] = {
    "encoding": "utf-8",
    "delimiter": ",",
    "header": True,
    "skip_top": 0,
    "skip_bottom": 0,
}


@dataclass(frozen=True)
class Read:
    """A file that is read.

    `types` has one word for each column: number, whole, text, boolean, date, time, empty, omitted, or
    `decide` for one that needs a decision. `rows` are the golden cells of the columns that are not
    omitted; a time of day is its seconds since midnight. `findings` are `code column`, or `code` for the
    whole file. `effective` are the settings that the reading arrives at, as far as they differ from those
    of a plain file. `why` says how pandas or DuckDB differ, if they do.
    """

    title: str
    origin: str
    content: bytes
    types: str
    rows: Sequence[tuple[Cell, ...]]
    header: tuple[str, ...] = ("a", "b")
    findings: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    effective: Mapping[str, object] = field(default_factory=dict[str, object])
    why: str = ""


@dataclass(frozen=True)
class Refused:
    """A file that is refused, with the line (of Parquet: the row) and the column that the refusal names."""

    title: str
    origin: str
    content: bytes
    code: str
    line: int | None = None
    column: str | None = None
    reading: Reading = field(default_factory=Reading)


def lines(*texts: str, end: str = "\n") -> bytes:
    """A file of these lines in UTF-8."""
    return "".join(text + end for text in texts).encode()


def day(year: int, month: int, day_of_month: int, hour: int = 0, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(year, month, day_of_month, hour, minute)  # noqa: DTZ001 - as tables have them


def moment(iso: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(iso)


def clock(hour: int, minute: int, second: int = 0) -> int:
    """A time of day as seconds since midnight."""
    return 3600 * hour + 60 * minute + second
