"""Cells that have types of their own, as in workbooks: numbers, dates, times, truth values and texts."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.number_notation import LARGEST_NUMBER

# An empty cell has an empty text.
Cell = int | float | str | bool | date | datetime | time | timedelta
Kind = Literal["number", "moment", "time", "duration", "text", "boolean"]

KINDS: dict[type, Kind] = {
    **{float: "number", int: "number", datetime: "moment", date: "moment"},
    **{time: "time", timedelta: "duration", str: "text", bool: "boolean"},
}
ARRAYS: dict[str, pa.DataType] = {
    "numbers": pa.float64(),
    "moments": pa.timestamp("us"),
    "seconds": pa.float64(),
    "texts": pa.string(),
}
# The results of failed formulas, in Excel and in LibreOffice.
FORMULA_ERROR = (
    r"^(#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|FIELD!|GETTING_DATA|DATA!|BLOCKED!|CONNECT!"
    r"|BUSY!|UNKNOWN!|EXTERNAL!|PYTHON!)|Err:\d{3})$"
)
_FORMULA_ERROR = re.compile(FORMULA_ERROR)
# Whole numbers up to here are written with all their digits, as spreadsheets do.
LONGEST_WHOLE = 1e15


@dataclass
class TypedColumn:
    """Arrays of all cells of one type, with nulls for those of other types, in pieces.

    `seconds` has times and durations, `texts` truth values, too. `errors` counts the results of failed
    formulas, which are missing cells.
    """

    kinds: set[Kind] = field(default_factory=set[Kind])
    errors: Counter[str] = field(default_factory=Counter[str])
    pieces: list[dict[str, pa.Array]] = field(default_factory=list[dict[str, pa.Array]])

    def add(self, cells: Sequence[Cell]) -> int:
        """Add cells; returns the size of their texts in bytes."""
        types = set(map(type, cells))
        arrays: dict[str, pa.Array] = {}
        if types & {float, int}:
            numbers = cells if types == {float} else _only(cells, float, int)
            arrays["numbers"] = pa.array(numbers, pa.float64())
        if types & {date, datetime}:
            arrays["moments"] = pa.array(map(_as_moment, cells), pa.timestamp("us"))
        if types & {time, timedelta}:
            arrays["seconds"] = pa.array(map(seconds_of, cells), pa.float64())
        if types & {str, bool}:
            arrays["texts"] = self._read_texts(cells)
        if "numbers" in arrays:
            self._move_huge(arrays)
        self.kinds |= {KINDS[type_] for type_ in types - {str}}
        self.pieces.append(arrays)
        return arrays["texts"].nbytes if "texts" in arrays else 0

    def array(self, name: str) -> pa.ChunkedArray:
        """One of the ARRAYS of the whole column."""
        chunks = [
            piece[name] if name in piece else pa.nulls(len(next(iter(piece.values()))), ARRAYS[name])
            for piece in self.pieces
        ]
        return pa.chunked_array(chunks, ARRAYS[name])

    def _read_texts(self, cells: Sequence[Cell]) -> pa.Array:
        texts = pa.array([_as_text(cell) for cell in cells], pa.string())
        failed = pc.match_substring_regex(texts, FORMULA_ERROR)
        if pc.any(failed).as_py():
            self.errors.update(texts.filter(failed).to_pylist())
            texts = pc.if_else(failed, None, texts)
        if len(texts) - texts.null_count > sum(type(cell) is bool for cell in cells):
            self.kinds.add("text")
        return texts

    def _move_huge(self, arrays: dict[str, pa.Array]) -> None:
        """What is no number up to 1e30 becomes a text, and an undefined number a missing cell."""
        numbers = arrays["numbers"]
        huge = pc.fill_null(pc.invert(pc.less_equal(pc.abs(numbers), LARGEST_NUMBER)), False)
        if not pc.any(huge).as_py():
            return
        reprs = [None if cell != cell else repr(cell) for cell in numbers.to_pylist()]
        written = pa.array(reprs, pa.string())
        texts = arrays.get("texts", pa.nulls(len(numbers), pa.string()))
        arrays["texts"] = pc.if_else(huge, written, texts)
        arrays["numbers"] = pc.if_else(huge, None, numbers)
        if pc.any(pc.and_(huge, written.is_valid())).as_py():
            self.kinds.add("text")


def is_missing(cell: Cell) -> bool:
    return isinstance(cell, str) and (not cell or _FORMULA_ERROR.match(cell) is not None)


def shown(cell: Cell) -> str:
    """A cell as a spreadsheet shows it without a format, dates as in ISO 8601."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            return str(int(cell)) if _is_short(cell) else repr(cell)
        case time() | timedelta():
            return clock(seconds_of(cell) or 0)
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case _:
            return cell.isoformat()


def unambiguous(number: float) -> str:
    """A number without a decimal mark: 1.234 as 1234e-3, which no notation takes for groups of digits."""
    if _is_short(number):
        return str(int(number))
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"


def clock(seconds: float) -> str:
    """A time of day or a duration, such as 13:45:00 or 26:30:00.500."""
    sign = "-" if seconds < 0 else ""
    whole, fraction = divmod(round(abs(seconds) * 1000), 1000)
    written = f"{sign}{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{written}.{fraction:03d}" if fraction else written


def render(array: pa.ChunkedArray, write: Callable[[Any], str]) -> pa.Array:  # Any: cells of the array
    """The cells as texts; each distinct one is written once."""
    encoded = array.combine_chunks().dictionary_encode()
    texts = pa.array([write(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _only(cells: Sequence[Cell], *types: type) -> list[Cell | None]:
    return [cell if type(cell) in types else None for cell in cells]


def _as_moment(cell: Cell) -> datetime | None:
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - tables have no zones
    return cell if isinstance(cell, datetime) else None


def seconds_of(cell: Cell) -> float | None:
    if isinstance(cell, time):
        cell = timedelta(
            hours=cell.hour, minutes=cell.minute, seconds=cell.second, microseconds=cell.microsecond
        )
    return cell.total_seconds() if isinstance(cell, timedelta) else None


def _as_text(cell: Cell) -> str | None:
    if isinstance(cell, str):
        return cell or None
    return shown(cell) if isinstance(cell, bool) else None


def _is_short(number: float) -> bool:
    return abs(number) < LONGEST_WHOLE and float(number).is_integer()
