"""Numbers as people write them: marks, currencies, percent, brackets and signs of several kinds.

The rules are regular expressions that Python and Arrow read alike, so that a cell of a request is read as the
columns of a file are.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.dialect import Decimal
from ml_service.learning.tables.settings import ColumnReading

LARGEST_NUMBER = 1e30
# The longest number or date as text; the shortest text of every float has less than 25 characters.
LONGEST_NUMBER = 400
# Every whole number up to here is exact as a float, also after its neighbours were rounded.
LARGEST_EXACT = 2**53 - 1

# Blanks that have no meaning around a cell, no-break and invisible ones among them.
BLANKS = (
    " \t\n\r\x0b\x0c\u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "\u202f\u205f\u2060\u3000\ufeff"
)
BLANK = f"[{BLANKS}]"
# Substitutions that leave one form of blanks and signs.
_TO_ONE_FORM = (
    (rf"^{BLANK}+|{BLANK}+$", ""),
    ("[\u2212\u2013\ufe63\uff0d]", "-"),
    (rf"^\({BLANK}*(.*?){BLANK}*\)$", r"-\1"),
    (rf"^(.*\d.*?){BLANK}*-$", r"-\1"),
)
_CURRENCY = (
    r"(?:US|CA?|AU?|R|HK|NZ|S)?\$|[€£¥₹₽₩₺₫₴₪₱฿₦¢]"
    r"|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|BRL|MXN|ZAR|RUB|TRY|KRW|Fr\.|kr|zł|Kč"
)
_UNIT_BEFORE = rf"^[+-]?{BLANK}*({_CURRENCY}){BLANK}*[+-]?[\d.,]"
_UNIT_AFTER = rf"\d{BLANK}*(%|‰|{_CURRENCY})$"
_MAY_BE_NUMBER = re.compile(
    rf"[\W_]*(?:{_CURRENCY})?\W*\d[\d.,'\u2019_\s]*(?:[eE][+-]?\d+)?\W*(?:{_CURRENCY})?\W*"
)
SPACE = " "
MARKS: dict[str, str] = {
    ".": r"\.",
    ",": ",",
    "'": "['\u2019]",
    SPACE: "[ \u00a0\u2009\u202f]",
    "_": "_",
}
_EXPONENT = r"([eE][+-]?\d+)?"
# No two repetitions of the same character adjoin, so that a search takes time in proportion to the cell.
POINT_NUMBER = rf"^[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}$"
COMMA_NUMBER = rf"^[+-]?(\d+(,\d*)?|,\d+){_EXPONENT}$"
LEADING_ZERO = r"^[+-]?0\d+$"
WHOLE_NUMBER = r"^[+-]?\d+$"
# Tried in this order; the first of equal ones is chosen.
_CHOICES: tuple[tuple[Decimal, str], ...] = (
    *((".", mark) for mark in ("", ",", "'", SPACE)),
    *((",", mark) for mark in ("", ".", "'", SPACE)),
)


@dataclass(frozen=True, slots=True)
class Notation:
    """The marks of the numbers of a column, and the texts that it leaves unread.

    `other` has the second reading of an ambiguous column, such as 1,234 as 1.234.
    """

    reading: ColumnReading
    numbers: pa.Array
    other: ColumnReading | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    substitutions: tuple[tuple[str, str], ...]
    # Numbers in groups of digits, such as 1,234.5, and the mark between the groups.
    grouped: str | None
    mark: str
    number: str
    decimal: Decimal


def read_number(text: str, reading: ColumnReading) -> float | None:
    """The number, or None for a text that is none, or a number beyond 1e30."""
    if len(text) > LONGEST_NUMBER:
        return None
    rules = _rules(reading.decimal or ".", reading.thousands or "", reading.unit or "")
    for pattern, replacement in rules.substitutions:
        text = _compiled(pattern).sub(replacement, text)
    if rules.grouped is not None and _compiled(rules.grouped).search(text):
        text = _compiled(rules.mark).sub("", text)
    if not _compiled(rules.number).search(text):
        return None
    number = float(text.replace(",", ".") if rules.decimal == "," else text)
    return number if abs(number) <= LARGEST_NUMBER else None


def read_numbers(texts: pa.Array, reading: ColumnReading) -> pa.Array:
    """The numbers of a column, null where `read_number` gives None for a single cell."""
    rules = _rules(reading.decimal or ".", reading.thousands or "", reading.unit or "")
    texts = pc.if_else(pc.greater(pc.utf8_length(texts), LONGEST_NUMBER), None, texts)
    for pattern, replacement in rules.substitutions:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    if rules.grouped is not None:
        plain = pc.replace_substring_regex(texts, rules.mark, "")
        texts = pc.if_else(pc.match_substring_regex(texts, rules.grouped), plain, texts)
    texts = pc.if_else(pc.match_substring_regex(texts, rules.number), texts, None)
    texts = pc.replace_substring_regex(texts, r"^\+", "")
    numbers = (pc.replace_substring(texts, ",", ".") if rules.decimal == "," else texts).cast(pa.float64())
    return pc.if_else(pc.less_equal(pc.abs(numbers), LARGEST_NUMBER), numbers, None)


def find_notation(
    texts: pa.Array, counts: pa.Array, fixed: ColumnReading, usual_decimal: Decimal
) -> Notation:
    """The notation that reads most cells; `counts` has the number of cells of each distinct text.

    Settings in `fixed` are kept. Of several notations that read equally many cells, that with the usual
    decimal mark is chosen.
    """
    unit = fixed.unit if fixed.unit is not None else _find_unit(texts, counts)
    choices = [
        replace(fixed, decimal=decimal, thousands=thousands, unit=unit)
        for decimal, thousands in _CHOICES
        if fixed.decimal in (None, decimal) and fixed.thousands in (None, thousands)
    ] or [replace(fixed, unit=unit, decimal=fixed.decimal or ".", thousands=fixed.thousands or "")]
    found: list[tuple[int, ColumnReading, pa.Array]] = []
    for choice in choices:
        numbers = _require_unit(texts, read_numbers(texts, choice), choice)
        found.append((pc.sum(pc.if_else(numbers.is_valid(), counts, 0)).as_py() or 0, choice, numbers))
    most = max(count for count, _, _ in found)
    best = [(choice, numbers) for count, choice, numbers in found if count == most]
    best.sort(key=lambda each: each[0].decimal != usual_decimal)
    chosen, numbers = best[0]
    others = [choice for choice, read in best[1:] if not read.equals(numbers)]
    return Notation(chosen, numbers, others[0] if most and others else None)


def is_plain(reading: ColumnReading) -> bool:
    return reading.decimal in (None, ".") and not reading.thousands and not reading.unit


def looks_like_number(text: str) -> bool:
    """True for a text that may be a number in some notation."""
    return _MAY_BE_NUMBER.fullmatch(text) is not None


@lru_cache(256)
def _rules(decimal: Decimal, thousands: str, unit: str) -> _Rules:
    substitutions = list(_TO_ONE_FORM)
    if unit:
        literal = re.escape(unit)
        substitutions += [
            (rf"^([+-]?){BLANK}*{literal}{BLANK}*", r"\1"),
            (rf"{BLANK}*{literal}$", ""),
            # Signs may stand on both sides of a currency, and brackets around the number alone.
            *_TO_ONE_FORM[2:],
        ]
    mark = MARKS.get(thousands, re.escape(thousands))
    point = re.escape(decimal)
    grouped = rf"^[+-]?\d{{1,3}}({mark}\d{{2,3}})*{mark}\d{{3}}({point}\d*)?$" if thousands else None
    return _Rules(
        tuple(substitutions), grouped, mark, COMMA_NUMBER if decimal == "," else POINT_NUMBER, decimal
    )


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _find_unit(texts: pa.Array, counts: pa.Array) -> str:
    """The currency or percent sign of the cells that have one; the most common of several."""
    for pattern, replacement in _TO_ONE_FORM:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    units: dict[str, int] = {}
    for pattern in (_UNIT_BEFORE, _UNIT_AFTER):
        matching = pc.match_substring_regex(texts, pattern)
        for text, count in zip(
            texts.filter(matching).to_pylist(), counts.filter(matching).to_pylist(), strict=True
        ):
            match = _compiled(pattern).search(text)
            if match:
                units[match[1]] = units.get(match[1], 0) + count
    return max(units, key=lambda unit: units[unit]) if units else ""


def _require_unit(texts: pa.Array, numbers: pa.Array, reading: ColumnReading) -> pa.Array:
    """Null for cells without the percent sign of the others: 5 and 5% are not the same number."""
    if reading.unit not in {"%", "‰"}:
        return numbers
    return pc.if_else(pc.match_substring(texts, reading.unit), numbers, None)
