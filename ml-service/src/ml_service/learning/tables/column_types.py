"""Column types: detection from cells, correction by the owner, and the search for the first invalid cell."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.dialect import Decimal
from ml_service.learning.tables.errors import (
    CellTooLong,
    CsvError,
    DateOutOfRange,
    FormattedNumber,
    NumberOutOfRange,
    TextInDateColumn,
    TextInNumberColumn,
)
from ml_service.learning.tables.table import Column, ColumnType

# The markers of a missing cell in pandas, so that a file has the same missing cells in both.
MISSING_WORDS = (
    *("NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
MISSING = frozenset({"", *MISSING_WORDS})

# No two repetitions of the same character adjoin, so that a search takes time in proportion to the cell.
_EXPONENT = r"([eE][+-]?\d+)?"
POINT_NUMBER = rf"^\s*[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}\s*$"
COMMA_NUMBER = rf"^\s*[+-]?(\d+(,\d*)?|,\d+){_EXPONENT}\s*$"
# Numbers formatted for display: thousands separators, the other decimal sign, a currency or percent sign.
_SEPARATOR = "[,.' \u00a0\u202f]"
FORMATTED_NUMBER = rf"^\s*[+-]?[$€£¥]?\s?(\d{{1,3}}({_SEPARATOR}\d{{3}})+|\d+)([.,]\d+)?\s?[%$€£¥]?\s*$"
ISO_DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?(\d\d)?)?)?$"
LEADING_ZERO = r"^[+-]?0\d+$"

LARGEST_NUMBER = 1e30
# The longest number or date as text; the shortest text of every float has less than 25 characters.
LONGEST_NUMBER = 400
FEW_EXCEPTIONS = 10
# Seconds since 1970 of the years 1 to 9999, the range of Python's dates.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799

DATE = re.compile(ISO_DATE, re.ASCII)
NUMBERS = {
    expression: re.compile(expression, re.ASCII)
    for expression in (POINT_NUMBER, COMMA_NUMBER, FORMATTED_NUMBER)
}

IsInvalid = Callable[[str], bool]
# A line of a CSV file, or a row of a Parquet file.
Location = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Origin:
    """The file of a column: its decimal sign, its limit of cells, and the search for an invalid cell."""

    decimal: Decimal
    cell_length: int
    locate: Callable[[str, IsInvalid], Location]

    @property
    def number(self) -> str:
        return COMMA_NUMBER if self.decimal == "," else POINT_NUMBER


def classify(name: str, parsed: pa.ChunkedArray, origin: Origin) -> Column:
    """The column with its parsed type; texts are not examined further."""
    if pa.types.is_null(parsed.type):
        return Column(name, "empty", len(parsed), False, parsed)
    if pa.types.is_integer(parsed.type):
        return Column(name, "number", parsed.null_count, True, parsed)
    if pa.types.is_floating(parsed.type):
        return _decimal_column(name, parsed, origin)
    if pa.types.is_temporal(parsed.type):
        return _date_column(name, parsed, origin)
    return _text_column(name, parsed, origin)


def correct(name: str, parsed: pa.ChunkedArray, kind: ColumnType, origin: Origin) -> Column:
    """The column with the type set by the owner; raises for the first cell of another type."""
    column = classify(name, parsed, origin)
    if column.kind == "text" and kind == "number":
        column = _decimal_column(name, _to_numbers(name, parsed, origin), origin)
    if column.kind != kind and kind == "number":
        raise _refusal(TextInNumberColumn, name, origin, _not_matching(origin.number))
    if column.kind != kind:
        raise _refusal(TextInDateColumn, name, origin, _is_not_date)
    return replace(column, corrected=True)


def refuse_few_exceptions(column: Column, origin: Origin) -> None:
    """Raise for a text column in which nearly every cell is a number or a date."""
    counts = column.cells.drop_null().value_counts()
    total = len(column.cells) - column.missing
    if _count(counts, LEADING_ZERO):
        return
    number = f"{origin.number}|{FORMATTED_NUMBER}"
    if _is_mostly(_count(counts, number), total):
        if _count(counts, number) == total:
            raise _refusal(FormattedNumber, column.name, origin, _not_matching(origin.number))
        raise _refusal(
            TextInNumberColumn, column.name, origin, _not_matching(origin.number, FORMATTED_NUMBER)
        )
    if _is_mostly(_count(counts, ISO_DATE), total):
        raise _refusal(TextInDateColumn, column.name, origin, _is_not_date)


def uses_decimal_commas(parsed: pa.Table) -> bool:
    """True if a text column consists of numbers with decimal commas."""
    for column in parsed.columns:
        if pa.types.is_string(column.type):
            present = column.drop_null()
            numbers = pc.all(pc.match_substring_regex(present, COMMA_NUMBER)).as_py()
            if numbers and pc.any(pc.match_substring(present, ",")).as_py():
                return True
    return False


def too_long(name: str, most: int, location: Location) -> CellTooLong:
    return CellTooLong(f"A cell here is over {most} characters; shorten it.", column=name, **location)


def _decimal_column(name: str, parsed: pa.ChunkedArray, origin: Origin) -> Column:
    finite = pc.all(pc.is_finite(parsed)).as_py()
    span = pc.min_max(parsed).as_py()
    if not finite or not all(abs(span[end]) <= LARGEST_NUMBER for end in ("min", "max")):
        raise _refusal(NumberOutOfRange, name, origin, _is_beyond_range)
    whole = bool(pc.all(pc.equal(pc.floor(parsed), parsed)).as_py())
    return Column(name, "number", parsed.null_count, whole, parsed)


def _to_numbers(name: str, texts: pa.ChunkedArray, origin: Origin) -> pa.ChunkedArray:
    if not pc.all(pc.match_substring_regex(texts, origin.number)).as_py():
        raise _refusal(TextInNumberColumn, name, origin, _not_matching(origin.number))
    plain = pc.replace_substring_regex(texts, r"^\s*\+?|\s+$", "")
    return pc.replace_substring(plain, ",", ".").cast(pa.float64())


def _date_column(name: str, parsed: pa.ChunkedArray, origin: Origin) -> Column:
    # Compare whole seconds, to which every unit of timestamps converts without overflow.
    span = pc.min_max(parsed.cast(pa.timestamp("s"), safe=False).cast(pa.int64())).as_py()
    if span["min"] is not None and (span["min"] < FIRST_SECOND or span["max"] > LAST_SECOND):
        raise _refusal(DateOutOfRange, name, origin, _is_not_date)
    timestamps = parsed.cast(pa.timestamp("us"), safe=False)
    return Column(name, "date", parsed.null_count, False, timestamps)


def _text_column(name: str, parsed: pa.ChunkedArray, origin: Origin) -> Column:
    if (pc.max(pc.utf8_length(parsed)).as_py() or 0) > origin.cell_length:
        location = origin.locate(name, lambda cell: len(cell) > origin.cell_length)
        raise too_long(name, origin.cell_length, location)
    return Column(name, "text", parsed.null_count, False, parsed)


def _count(counts: pa.StructArray, expression: str) -> int:
    matching = pc.match_substring_regex(counts.field("values"), expression)
    return pc.sum(pc.filter(counts.field("counts"), matching)).as_py() or 0


def _is_mostly(matching: int, count: int) -> bool:
    """True for cells of one type with a few exceptions, false for a mixture."""
    others = count - matching
    return matching > others and others <= max(FEW_EXCEPTIONS, count // 10)


def _not_matching(*expressions: str) -> IsInvalid:
    patterns = [NUMBERS[expression] for expression in expressions]

    def is_invalid(cell: str) -> bool:
        if len(cell) > LONGEST_NUMBER:
            return True
        return cell not in MISSING and not any(pattern.search(cell) for pattern in patterns)

    return is_invalid


def _is_not_date(cell: str) -> bool:
    if len(cell) > LONGEST_NUMBER:
        return True
    try:
        return cell not in MISSING and not (DATE.search(cell) and datetime.fromisoformat(cell))
    except ValueError:
        return True


def _is_beyond_range(cell: str) -> bool:
    if cell in MISSING:
        return False
    return not abs(float(cell.replace(",", "."))) <= LARGEST_NUMBER


SENTENCES: dict[type[CsvError], str] = {
    NumberOutOfRange: "The number here is infinite or beyond 1e30; correct it or leave the cell empty.",
    FormattedNumber: "Write this number with digits and one decimal sign only: no separators, currency or %.",
    TextInNumberColumn: "This cell is text in a column of numbers; correct it or leave it empty.",
    TextInDateColumn: "This cell is not a date in a column of dates; write dates as 2026-01-31.",
    DateOutOfRange: "The date here is before the year 1 or after 9999; correct it or leave the cell empty.",
}


def _refusal(error: type[CsvError], name: str, origin: Origin, is_invalid: IsInvalid) -> CsvError:
    return error(SENTENCES[error], column=name, **origin.locate(name, is_invalid))
