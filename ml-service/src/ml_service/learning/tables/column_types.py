"""Types of columns: those of the settings, or detected from all cells."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.column_values import (
    NOT_WHOLE,
    as_boolean,
    as_date,
    as_number,
    as_text,
    as_time,
)
from ml_service.learning.tables.dates import find_date_format, read_times, sample_of
from ml_service.learning.tables.distinct_texts import (
    DistinctTexts,
    PresentTexts,
    Source,
    find_present,
)
from ml_service.learning.tables.errors import DateOutOfRange, TextInNumberColumn
from ml_service.learning.tables.number_notation import (
    LARGEST_EXACT,
    LEADING_ZERO,
    WHOLE_NUMBER,
    Notation,
    find_notation,
    is_plain,
    looks_like_number,
)
from ml_service.learning.tables.settings import ISO, ColumnReading
from ml_service.learning.tables.table import Column, Decision, Finding

FEW_EXCEPTIONS = 10
SAMPLED = 200
# Seconds since 1970 of the years 1 to 9999, the range of Python's dates.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
DATE_OUT_OF_RANGE = "The date here is before the year 1 or after 9999; correct it or leave the cell empty."
LARGEST_WHOLE = 2.0**63
LIKE_A_TIME = r"^\d{1,2}:\d\d"
OTHER_FORMS = r"^\s*[+-]?(0\d|0[xX])"

Read = tuple[Column, list[Finding]]


def read_column(
    name: str,
    parsed: pa.ChunkedArray,
    texts: pa.ChunkedArray | None,
    setting: ColumnReading,
    source: Source,
) -> Read:
    """The column with the type of the setting, or a detected one, and findings about it.

    `parsed` has the type that Arrow has found; `texts` are the same cells as they stand in the file, or None
    where nobody has to look at them. Raises a CsvError for the first cell of another type than a set one.
    """
    if pa.types.is_string(parsed.type):
        texts = parsed
    if texts is None or not _reads_texts(parsed, texts, setting):
        return _read_parsed(name, parsed, texts, setting, source)
    if not pa.types.is_string(parsed.type):
        source = replace(source, typed=False)
    cells = DistinctTexts.of(name, texts, source)
    return _read_texts(cells, setting), cells.findings


def needs_texts(parsed: pa.ChunkedArray, setting: ColumnReading) -> bool:
    """True for a column whose cells have to be looked at as they stand in the file."""
    if pa.types.is_string(parsed.type):
        return False
    if pa.types.is_null(parsed.type):
        return len(parsed) > 0
    if setting.type in {"text", "boolean", "time"} or setting.missing is not None or not is_plain(setting):
        return True
    if pa.types.is_integer(parsed.type) or pa.types.is_floating(parsed.type):
        return setting.type == "date" or parsed.null_count > 0 or _has_inexact(parsed)
    if pa.types.is_temporal(parsed.type):
        is_day = pa.types.is_date(parsed.type) or parsed.type == pa.timestamp("s")
        is_iso = setting.type in {None, "date"} and setting.format in {None, ISO}
        return not is_day or not is_iso or parsed.null_count > 0
    return True


def _reads_texts(parsed: pa.ChunkedArray, texts: pa.ChunkedArray, setting: ColumnReading) -> bool:
    """False for numbers that Arrow has read exactly; their texts are there for other reasons."""
    if not (pa.types.is_integer(parsed.type) or pa.types.is_floating(parsed.type)):
        return True
    if setting.type not in {None, "number", "whole"} or setting.missing is not None or not is_plain(setting):
        return True
    if pc.any(pc.match_substring_regex(texts, OTHER_FORMS)).as_py():
        return True
    if pa.types.is_floating(parsed.type):
        return _has_inexact(parsed)
    rounded = parsed.cast(pa.float64(), safe=False).cast(pa.int64(), safe=False)
    return bool(pc.any(pc.not_equal(rounded, parsed)).as_py())


def _read_parsed(
    name: str, parsed: pa.ChunkedArray, texts: pa.ChunkedArray | None, setting: ColumnReading, source: Source
) -> Read:
    if pa.types.is_null(parsed.type):
        return Column(name, "empty", len(parsed), False, parsed, setting), []
    if pa.types.is_temporal(parsed.type):
        return _read_timestamps(name, parsed, setting, source), []
    column = _read_numbers(name, parsed, setting, source)
    if texts is None or not parsed.null_count:
        return column, []
    words = pc.utf8_trim_whitespace(texts.filter(parsed.is_null())).value_counts().to_pylist()
    counts = {str(each["values"]): int(each["counts"]) for each in words if each["values"]}
    return column, [findings.missing_words(name, counts)] if counts else []


def _read_numbers(name: str, parsed: pa.ChunkedArray, setting: ColumnReading, source: Source) -> Column:
    whole = pa.types.is_integer(parsed.type)
    if not whole:
        # The first rows of most columns with fractions have one.
        whole = all(pc.all(_are_whole(part)).as_py() for part in (parsed.slice(0, SAMPLED), parsed))
        if setting.type == "whole" and not whole:
            place = source.place_of(_rows_where(pc.invert(_are_whole(parsed))))
            raise TextInNumberColumn(NOT_WHOLE, column=name, **place)
    reading = replace(setting, type="whole" if whole else "number")
    return Column(name, "number", parsed.null_count, whole, parsed, reading)


def _are_whole(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.equal(pc.floor(numbers), numbers)


def _has_inexact(numbers: pa.ChunkedArray) -> bool:
    """True if a number is so large that floats leave whole numbers out."""
    return any(
        pc.any(beyond).as_py()
        for beyond in (pc.greater(numbers, LARGEST_EXACT), pc.less(numbers, -LARGEST_EXACT))
    )


def _read_timestamps(name: str, parsed: pa.ChunkedArray, setting: ColumnReading, source: Source) -> Column:
    # Compare whole seconds, to which every unit of timestamps converts without overflow.
    seconds = parsed.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    beyond = pc.or_(pc.less(seconds, FIRST_SECOND), pc.greater(seconds, LAST_SECOND))
    if pc.any(beyond).as_py():
        raise DateOutOfRange(DATE_OUT_OF_RANGE, column=name, **source.place_of(_rows_where(beyond)))
    timestamps = parsed.cast(pa.timestamp("us"), safe=False)
    reading = replace(setting, type="date", format=ISO)
    return Column(name, "date", parsed.null_count, False, timestamps, reading)


def _rows_where(mask: pa.ChunkedArray) -> list[int]:
    """The first row of a mask."""
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy())[:1].tolist()


def _read_texts(cells: DistinctTexts, setting: ColumnReading) -> Column:
    if setting.type is not None and not find_present(cells, setting).total:
        rows = len(cells.codes)
        return Column(cells.name, "empty", rows, False, pa.chunked_array([pa.nulls(rows)]), setting)
    match setting.type:
        case "number" | "whole":
            return as_number(cells, setting, _find_notation(cells, find_present(cells, setting), setting))
        case "date":
            return as_date(cells, setting, setting.format or _find_format(cells, setting))
        case "time":
            return as_time(cells, setting)
        case "boolean":
            return as_boolean(cells, setting)
        case "text":
            return as_text(cells, setting)
        case _:
            return _detect(cells, setting)


def _detect(cells: DistinctTexts, setting: ColumnReading) -> Column:
    numeric = replace(setting, type="number")
    present = find_present(cells, numeric)
    if not present.total:
        return as_text(cells, setting)
    values = present.values
    if {str(text).lower() for text in values.slice(0, SAMPLED).to_pylist()} <= {"true", "false"}:
        return as_boolean(cells, setting)
    sample = sample_of(values, SAMPLED)
    may_be_numbers = 4 * sum(map(looks_like_number, sample)) >= len(sample) and not cells.source.typed
    column = _detect_number(cells, numeric, present) if may_be_numbers else None
    if column is None and any(character.isdigit() for text in sample for character in text):
        column = _detect_date(cells, setting, present)
    return as_text(cells, setting) if column is None else column


def _detect_number(cells: DistinctTexts, setting: ColumnReading, present: PresentTexts) -> Column | None:
    if pc.any(pc.match_substring_regex(present.texts, LEADING_ZERO)).as_py():
        if cells.count(pc.match_substring_regex(present.texts, WHOLE_NUMBER)) * 2 > present.total:
            cells.findings.append(findings.leading_zeros(cells.name))
        return None
    notation = _find_notation(cells, present, setting)
    read = cells.count(notation.numbers.is_valid())
    if read == present.total:
        inexact = _find_inexact(present.texts, notation)
        if pc.any(inexact).as_py():
            places = cells.source.locate(cells.rows(inexact, 1))
            cells.findings.append(findings.long_numbers(cells.name, cells.source.place, places))
            return None
    if read == present.total or (setting.exceptions == "missing" and 2 * read > present.total):
        return as_number(cells, setting, notation)
    return _undecided(cells, setting, present, notation.numbers)


def _detect_date(cells: DistinctTexts, setting: ColumnReading, present: PresentTexts) -> Column | None:
    if pc.all(pc.match_substring_regex(present.texts, LIKE_A_TIME)).as_py():
        return as_time(cells, setting) if not read_times(present.values).null_count else None
    found = find_date_format(present.texts, cells.counts)
    if found is None:
        return None
    read = cells.count(found.moments.is_valid())
    if read == present.total or (setting.exceptions == "missing" and 2 * read > present.total):
        if found.other is not None:
            cells.findings.append(findings.ambiguous_dates(cells.name, found.format, found.other))
        return as_date(cells, setting, found.format)
    return _undecided(cells, replace(setting, type="date"), present, found.moments)


def _undecided(
    cells: DistinctTexts, setting: ColumnReading, present: PresentTexts, read: pa.Array
) -> Column | None:
    """Texts with a decision to take, if the cells are of one type with a few exceptions; else None."""
    others = pc.and_(present.texts.is_valid(), read.is_null())
    matching, exceptions = cells.count(read.is_valid()), cells.count(others)
    few = exceptions <= max(FEW_EXCEPTIONS, present.total // 10)
    if not matching > exceptions or not (few or pc.sum(others).as_py() <= FEW_EXCEPTIONS):
        return None
    decision = Decision(
        "date" if setting.type == "date" else "number",
        exceptions,
        cells.source.place,
        cells.source.locate(cells.rows(others)),
    )
    column = as_text(cells, setting)
    cells.findings.append(findings.needs_decision(cells.name, decision))
    # Without a type, so that its settings lead to the same question.
    return replace(column, reading=replace(setting, type=None), decision=decision)


def _find_notation(cells: DistinctTexts, present: PresentTexts, setting: ColumnReading) -> Notation:
    return find_notation(present.texts, cells.counts, setting, cells.source.decimal)


def _find_format(cells: DistinctTexts, setting: ColumnReading) -> str:
    found = find_date_format(find_present(cells, setting).texts, cells.counts)
    return ISO if found is None else found.format


def _find_inexact(texts: pa.Array, notation: Notation) -> pa.Array:
    """The whole numbers that are not exact as floats, or too long for whole numbers of 64 bits."""
    large = pc.greater(pc.abs(notation.numbers), LARGEST_EXACT)
    suspects = pc.and_(large, pc.match_substring_regex(texts, WHOLE_NUMBER))
    if not pc.any(suspects).as_py():
        return suspects
    exact = [
        not suspect or (abs(number) < LARGEST_WHOLE and int(text) == int(number))
        for suspect, text, number in zip(
            suspects.to_pylist(), texts.to_pylist(), notation.numbers.to_pylist(), strict=True
        )
    ]
    return pc.invert(pa.array(exact))
