"""Values of a column whose type is known: numbers, dates, times of day, truth values or texts."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.dates import read_dates, read_times
from ml_service.learning.tables.distinct_texts import DistinctTexts, PresentTexts, find_present
from ml_service.learning.tables.errors import (
    CsvError,
    TextInBooleanColumn,
    TextInDateColumn,
    TextInNumberColumn,
)
from ml_service.learning.tables.number_notation import POINT_NUMBER, WHOLE_NUMBER, Notation
from ml_service.learning.tables.settings import ISO, ColumnReading
from ml_service.learning.tables.table import Column

ZONE = r"(?i)\d:\d\d.*(z|utc|gmt|[+-]\d\d(:?\d\d)?)$"
TRUTH_VALUES = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off"), False),
}
NOT_WHOLE = "This number has a fraction in a column of whole numbers; set the type of the column to number."
SENTENCES: dict[type[CsvError], str] = {
    TextInNumberColumn: (
        "This cell is not a number up to 1e30, as the others are; correct it or leave it empty, or read such "
        "cells as missing, the column as text, or leave the column out."
    ),
    TextInDateColumn: (
        "This cell is not a date in a column of dates; correct it, set the format of the column, or read "
        "such cells as missing."
    ),
    TextInBooleanColumn: (
        "This cell is neither true nor false; correct it, or set the type of the column to text."
    ),
}


def as_number(cells: DistinctTexts, setting: ColumnReading, notation: Notation) -> Column:
    present = find_present(cells, setting)
    numbers = notation.numbers
    _refuse_others(cells, present, numbers, setting, TextInNumberColumn)
    fractions = pc.not_equal(pc.floor(numbers), numbers)
    whole = not pc.any(fractions).as_py()
    if setting.type == "whole" and not whole:
        raise cells.refusal(TextInNumberColumn, NOT_WHOLE, fractions)
    # Points between thousands look like decimal ones.
    expected = WHOLE_NUMBER if notation.reading.thousands == "." else POINT_NUMBER
    plain = pc.match_substring_regex(pc.ascii_trim_whitespace(cells.texts), expected)
    other_form = pc.and_not(numbers.is_valid(), plain)
    is_set = setting.decimal is not None or setting.thousands is not None or setting.unit is not None
    if pc.any(other_form).as_py() and not is_set:
        cells.findings.append(findings.number_notation(cells.name, notation.reading, cells.count(other_form)))
    if notation.other is not None:
        cells.findings.append(findings.ambiguous_numbers(cells.name, notation.reading, notation.other))
    _add_missing_words(cells, present)
    reading = replace(
        notation.reading,
        type="whole" if whole else "number",
        decimal="," if notation.reading.decimal == "," else None,
        thousands=notation.reading.thousands or None,
        unit=notation.reading.unit or None,
    )
    values = cells.spread(numbers)
    return Column(cells.name, "number", values.null_count, whole, values, reading)


def as_date(cells: DistinctTexts, setting: ColumnReading, format: str) -> Column:
    present = find_present(cells, replace(setting, type="date"))
    moments = read_dates(present.texts, format)
    _refuse_others(cells, present, moments, setting, TextInDateColumn)
    zoned = cells.count(pc.and_(pc.match_substring_regex(present.texts, ZONE), moments.is_valid()))
    if zoned:
        without = cells.count(moments.is_valid()) - zoned
        cells.findings.append(findings.time_zones(cells.name, zoned, without))
    if format != ISO and setting.format is None:
        cells.findings.append(findings.date_format(cells.name, format))
    if "%y" in format and setting.format is None and moments.null_count < len(moments):
        span = pc.min_max(moments).as_py()
        cells.findings.append(findings.two_digit_years(cells.name, span["min"].year, span["max"].year))
    _add_missing_words(cells, present)
    values = cells.spread(moments)
    reading = replace(setting, type="date", format=format)
    return Column(cells.name, "date", values.null_count, False, values, reading)


def as_time(cells: DistinctTexts, setting: ColumnReading) -> Column:
    present = find_present(cells, replace(setting, type="time"))
    seconds = read_times(present.texts)
    _refuse_others(cells, present, seconds, setting, TextInDateColumn)
    if setting.type is None:
        cells.findings.append(findings.time_of_day(cells.name))
    _add_missing_words(cells, present)
    whole = bool(pc.all(pc.equal(pc.floor(seconds), seconds)).as_py())
    values = cells.spread(seconds)
    return Column(cells.name, "number", values.null_count, whole, values, replace(setting, type="time"))


def as_boolean(cells: DistinctTexts, setting: ColumnReading) -> Column:
    """Texts: each truth value has its first spelling."""
    present = find_present(cells, replace(setting, type="text", trim=None))
    spellings: dict[bool, str] = {}
    values: list[str | None] = []
    for text in present.texts.to_pylist():
        value = None if text is None else TRUTH_VALUES.get(text.lower())
        values.append(None if value is None or text is None else spellings.setdefault(value, text))
    read = pa.array(values, pa.string())
    _refuse_others(cells, present, read, setting, TextInBooleanColumn)
    if setting.type is None and not read.equals(present.texts):
        cells.findings.append(findings.mixed_truth_values(cells.name))
    column = cells.spread(read)
    return Column(cells.name, "text", column.null_count, False, column, replace(setting, type="boolean"))


def as_text(cells: DistinctTexts, setting: ColumnReading) -> Column:
    setting = replace(setting, type="text")
    present = find_present(cells, setting)
    changed = cells.count(pc.and_(present.texts.is_valid(), pc.not_equal(present.texts, cells.texts)))
    if changed:
        cells.findings.append(findings.trimmed(cells.name, changed))
    values = cells.spread(present.texts)
    if not present.total:
        return Column(
            cells.name, "empty", len(values), False, pa.chunked_array([pa.nulls(len(values))]), setting
        )
    return Column(cells.name, "text", values.null_count, False, values, setting)


def _refuse_others(
    cells: DistinctTexts,
    present: PresentTexts,
    read: pa.Array,
    setting: ColumnReading,
    error: type[CsvError],
) -> None:
    """Raise for the first cell that the type does not fit, unless such cells are missing."""
    others = pc.and_(present.texts.is_valid(), read.is_null())
    if setting.exceptions != "missing" and pc.any(others).as_py():
        raise cells.refusal(error, SENTENCES[error], others)


def _add_missing_words(cells: DistinctTexts, present: PresentTexts) -> None:
    if present.words:
        cells.findings.append(findings.missing_words(cells.name, present.words))
