"""Numbers as people write them: marks, currencies, percent, brackets and signs of several kinds.

The rules are regular expressions that Python and Arrow read alike, so that a cell of a request is read as the
columns of a file are.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import re
from dataclasses import dataclass, replace

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
# Python and Arrow read these patterns alike. Each takes time in proportion to the cell.
_MINUS = re.compile("[\u2212\u2013\ufe63\uff0d]")
_BRACKETS = re.compile(r"^\(([^()]*)\)$")
_TRAILING_MINUS = re.compile(r"^([^-]+)-$")
_PLUS = re.compile(r"^\+")
_EXPONENT = r"([eE][+-]?\d+)?"
_NUMBER = {
    ".": re.compile(rf"^[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}$", re.ASCII),
    ",": re.compile(rf"^[+-]?(\d+(,\d*)?|,\d+){_EXPONENT}$", re.ASCII),
}
POINT_NUMBER = _NUMBER["."].pattern
LEADING_ZERO = r"^[+-]?0\d+$"
WHOLE_NUMBER = r"^[+-]?\d+$"
SPACE = " "
_MARKS = {
    ".": re.compile(r"\."),
    ",": re.compile(","),
    "'": re.compile("['\u2019]"),
    SPACE: re.compile("[ \u00a0\u2009\u202f]"),
    "_": re.compile("_"),
}
# Numbers in groups of digits, such as 1,234.5 or 12,34,567.
_GROUPED = {
    (decimal, mark): re.compile(
        rf"^[+-]?\d{{1,3}}({marks.pattern}\d{{2,3}})*{marks.pattern}\d{{3}}({re.escape(decimal)}\d*)?$",
        re.ASCII,
    )
    for decimal in (".", ",")
    for mark, marks in _MARKS.items()
}
_CURRENCY = (
    r"(?:US|CA?|AU?|R|HK|NZ|S)?\$|[€£¥₹₽₩₺₫₴₪₱฿₦¢]"
    r"|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|BRL|MXN|ZAR|RUB|TRY|KRW|Fr\.|kr|zł|Kč"
)
# The letters of numbers: of currencies, and of exponents.
_LETTERS = {
    *("", "E", "US", "C", "CA", "A", "AU", "R", "HK", "NZ", "S", "USD", "EUR", "GBP", "CHF", "JPY", "CNY"),
    *(
        "INR",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "CAD",
        "AUD",
        "NZD",
        "BRL",
        "MXN",
        "ZAR",
        "RUB",
        "TRY",
    ),
    *("KRW", "FR", "KR", "ZŁ", "KČ"),
}
_UNIT_BEFORE = re.compile(rf"^[+-]?\s?({_CURRENCY})\s?[+-]?[\d.,]")
_UNIT_AFTER = re.compile(rf"\d\s?(%|‰|{_CURRENCY})$")
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


def read_number(text: str, reading: ColumnReading) -> float | None:
    """The number, or None for a text that is none, or a number beyond 1e30."""
    if len(text) > LONGEST_NUMBER:
        return None
    decimal, mark, unit = reading.decimal or ".", reading.thousands or "", reading.unit or ""
    text = _to_one_form(text)
    if unit:
        sign, amount = _split_sign(text)
        sign, amount = _split_sign(sign + amount.removeprefix(unit).removesuffix(unit).strip(BLANKS))
        text = _to_one_form(sign + amount)
    if mark and _GROUPED[decimal, mark].search(text):
        text = _MARKS[mark].sub("", text)
    if not _NUMBER[decimal].search(text):
        return None
    number = float(text.replace(",", "."))
    return number if abs(number) <= LARGEST_NUMBER else None


def read_numbers(texts: pa.Array, reading: ColumnReading) -> pa.Array:
    """The numbers of a column, null where `read_number` gives None for a single cell."""
    decimal, mark, unit = reading.decimal or ".", reading.thousands or "", reading.unit or ""
    texts = pc.if_else(pc.greater(pc.utf8_length(texts), LONGEST_NUMBER), None, texts)
    texts = _all_to_one_form(texts)
    if unit:
        literal = re.escape(unit)
        texts = pc.replace_substring_regex(texts, rf"^([+-]?)[{BLANKS}]*{literal}", r"\1")
        texts = pc.replace_substring_regex(texts, rf"{literal}$", "")
        texts = pc.replace_substring_regex(texts, rf"^([+-]?)[{BLANKS}]+", r"\1")
        texts = _all_to_one_form(texts)
    if mark:
        plain = pc.replace_substring_regex(texts, _MARKS[mark].pattern, "")
        texts = pc.if_else(pc.match_substring_regex(texts, _GROUPED[decimal, mark].pattern), plain, texts)
    texts = pc.if_else(pc.match_substring_regex(texts, _NUMBER[decimal].pattern), texts, None)
    texts = pc.replace_substring(pc.replace_substring_regex(texts, _PLUS.pattern, ""), ",", ".")
    numbers = texts.cast(pa.float64())
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
    letters = "".join(filter(str.isalpha, text[:LONGEST_NUMBER]))
    return any(map(str.isdigit, text)) and letters.upper() in _LETTERS


def _split_sign(text: str) -> tuple[str, str]:
    length = int(text.startswith(("+", "-")))
    return text[:length], text[length:].strip(BLANKS)


def _to_one_form(text: str) -> str:
    """One form of signs: (5), 5- and a typographic minus become -5."""
    text = _MINUS.sub("-", text.strip(BLANKS))
    for pattern in (_BRACKETS, _TRAILING_MINUS):
        if match := pattern.search(text):
            text = "-" + match[1].strip(BLANKS)
    return text


def _all_to_one_form(texts: pa.Array) -> pa.Array:
    texts = pc.replace_substring_regex(pc.utf8_trim(texts, BLANKS), _MINUS.pattern, "-")
    for pattern in (_BRACKETS, _TRAILING_MINUS):
        inner = pc.utf8_trim(pc.replace_substring_regex(texts, pattern.pattern, r"\1"), BLANKS)
        signed = pc.binary_join_element_wise("-", inner, "")
        texts = pc.if_else(pc.match_substring_regex(texts, pattern.pattern), signed, texts)
    return texts


def _find_unit(texts: pa.Array, counts: pa.Array) -> str:
    """The currency or percent sign of the cells that have one; the most common of several."""
    texts = _all_to_one_form(texts)
    units: dict[str, int] = {}
    for pattern in (_UNIT_BEFORE, _UNIT_AFTER):
        matching = pc.match_substring_regex(texts, pattern.pattern)
        for text, count in zip(
            texts.filter(matching).to_pylist(), counts.filter(matching).to_pylist(), strict=True
        ):
            match = pattern.search(text)
            if match:
                units[match[1]] = units.get(match[1], 0) + count
    return max(units, key=lambda unit: units[unit]) if units else ""


def _require_unit(texts: pa.Array, numbers: pa.Array, reading: ColumnReading) -> pa.Array:
    """Null for cells without the percent sign of the others: 5 and 5% are not the same number."""
    if reading.unit not in {"%", "‰"}:
        return numbers
    return pc.if_else(pc.match_substring(texts, reading.unit), numbers, None)
