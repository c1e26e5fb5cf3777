"""Dates and times of day as people write them: ISO 8601, or a format of `datetime.strptime`."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.number_notation import LONGEST_NUMBER
from ml_service.learning.tables.settings import ISO

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d(?::\d\d(?::\d\d)?)?)(?:[.,](\d+))?(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII | re.IGNORECASE,
)
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?: ?([AP])\.?M\.?)?", re.ASCII | re.IGNORECASE)
# A cell that may be a date in one of the formats: three parts, one of which may be the name of a month.
_LIKE_A_DATE = re.compile(
    r"(\w{3,9}[., ]+)?\d{1,4}[-/. ]\w{1,9}[-/., ]+\d{2,4}|\w{3,9}\.? \d{1,2},? \d{4}", re.ASCII
)
# Excess digits of a second's fraction, which strptime refuses.
_FRACTION = re.compile(r"(\.\d{6})\d+")

# Ambiguous slashes and dashes mean the month first, as in pandas, points the day first.
_NUMERIC = (*("%d.%m.{y}", "%m/%d/{y}", "%m-%d-{y}", "%d/%m/{y}", "%d-%m-{y}", "%d %m {y}", "%m.%d.{y}"),)
_NAMED = (
    *("%d %b {y}", "%d %B {y}", "%d-%b-{y}", "%d. %B {y}", "%b %d, {y}", "%B %d, {y}"),
    *("%b %d {y}", "%B %d {y}", "%a, %d %b {y}", "%A, %d %B {y}", "%a %b %d {y}"),
)
_YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y %m %d", "%Y %b %d", "%Y-%b-%d")
# Tried in this order.
_DATES = (
    *(format.format(y="%Y") for format in (*_NUMERIC, *_NAMED)),
    *_YEAR_FIRST,
    *(format.format(y="%y") for format in (*_NUMERIC, *_NAMED)),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S", ", %H:%M"),
    *(" %H:%M:%S %z", " %H:%M %z"),
)
FORMATS = tuple(date + time for date in _DATES for time in _TIMES)
# Directives that stand for digits, as patterns that accept nothing that strptime refuses.
_DIGITS = {"Y": r"\d{4}", **dict.fromkeys("mdHMS", r"\d{1,2}"), "f": r"\d{1,6}"}
_DIRECTIVE = re.compile(r"%(.)")
SAMPLED = 20
FIRST_DATE = datetime(1, 1, 1)  # noqa: DTZ001 - as tables have them


@dataclass(frozen=True, slots=True)
class DateFormat:
    """The format that reads most cells, and a second one that reads as many of them otherwise."""

    format: str
    moments: pa.Array
    other: str | None = None


def read_date(text: str, format: str) -> datetime | None:
    """The date, in UTC if the text has a zone; None for a text that is none."""
    if len(text) > LONGEST_NUMBER:
        return None
    text = text.strip()
    try:
        moment = _read_iso(text) if format == ISO else _read_by(format, text)
        if moment is not None and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment


def read_time(text: str) -> float | None:
    """The seconds since midnight of a time of day; None for a text that is none."""
    match = _TIME.fullmatch(text.strip()) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), float(f"{match[3] or 0}.{match[4] or 0}")
    if match[5] is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if match[5].upper() == "P" else 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        return None
    return hours * 3600 + minutes * 60 + seconds


def read_dates(texts: pa.Array, format: str) -> pa.Array:
    """The dates of distinct texts, null for a text that is none."""
    # Arrow reads the usual forms thirty times as fast, and raises for all others.
    with contextlib.suppress(pa.ArrowInvalid):
        moments = (texts if format == ISO else _to_iso(texts, format)).cast(pa.timestamp("us"))
        if not pc.any(pc.less(moments, FIRST_DATE)).as_py():
            return moments
    moments = [None if text is None else read_date(text, format) for text in texts.to_pylist()]
    return pa.array(moments, pa.timestamp("us"))


def read_times(texts: pa.Array) -> pa.Array:
    """The seconds since midnight of distinct texts, null for a text that is none."""
    return pa.array([None if t is None else read_time(t) for t in texts.to_pylist()], pa.float64())


def find_date_format(texts: pa.Array, counts: pa.Array) -> DateFormat | None:
    """The format of distinct texts of which most are dates; None if a sample shows that few are.

    `counts` has the number of cells of each; null texts are missing cells.
    """
    sample = sample_of(texts.drop_null(), SAMPLED)
    if 2 * sum(read_date(text, ISO) is not None for text in sample) >= len(sample):
        return DateFormat(ISO, read_dates(texts, ISO))
    like_dates = [text for text in sample if _LIKE_A_DATE.match(text.strip())]
    if 2 * len(like_dates) < len(sample):
        return None
    found: list[tuple[int, str, pa.Array]] = []
    for format in _plausible(like_dates):
        moments = read_dates(texts, format)
        found.append((pc.sum(pc.if_else(moments.is_valid(), counts, 0)).as_py() or 0, format, moments))
    if not found:
        return None
    most = max(count for count, _, _ in found)
    best = [(format, moments) for count, format, moments in found if count == most]
    format, moments = best[0]
    others = [other for other, read in best[1:] if not read.equals(moments)]
    return DateFormat(format, moments, others[0] if others else None)


def sample_of(texts: pa.Array, size: int) -> Sequence[str]:
    """Evenly spaced texts."""
    step = max(1, len(texts) // size)
    return texts.take(pa.array(range(0, len(texts), step), pa.int64())).to_pylist()


def _plausible(sample: Sequence[str]) -> Iterator[str]:
    """Formats that read at least half of the sample."""
    for format in FORMATS:
        read = sum(read_date(text, format) is not None for text in sample)
        if 2 * read >= len(sample):
            yield format


def _to_iso(texts: pa.Array, format: str) -> pa.Array:
    """The texts in ISO 8601; raises ArrowInvalid unless the format has digits alone and all texts fit it."""
    directives = _DIRECTIVE.findall(format)
    if not _DIGITS.keys() >= set(directives) or not {"Y", "m", "d"} <= set(directives):
        raise pa.ArrowInvalid(format)
    pattern = _DIRECTIVE.sub(lambda found: f"(?P<{found[1]}>{_DIGITS[found[1]]})", re.escape(format))
    parts = pc.extract_regex(texts, f"^{pattern}$")
    if parts.null_count > texts.null_count:
        raise pa.ArrowInvalid(format)
    digits = dict(zip((field.name for field in parts.type), parts.flatten(), strict=True))
    two = {name: pc.utf8_lpad(digits[name], 2, "0") if name in digits else "00" for name in "mdHMS"}
    day = pc.binary_join_element_wise(digits["Y"], two["m"], two["d"], "-")
    seconds = pc.binary_join_element_wise(two["S"], digits["f"], ".") if "f" in digits else two["S"]
    time = pc.binary_join_element_wise(two["H"], two["M"], seconds, ":")
    return pc.binary_join_element_wise(day, time, "T")


def _read_by(format: str, text: str) -> datetime:
    return datetime.strptime(_FRACTION.sub(r"\1", text), format)  # noqa: DTZ007 - many have no zone


def _read_iso(text: str) -> datetime | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    if time is None:
        return datetime.fromisoformat(day)
    zone = "+00:00" if zone is not None and zone.isalpha() else zone or ""
    return datetime.fromisoformat(f"{day}T{time}{zone}").replace(
        microsecond=int((fraction or "")[:6].ljust(6, "0"))
    )
