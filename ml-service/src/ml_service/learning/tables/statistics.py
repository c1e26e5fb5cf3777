"""Statistics of a table's columns in plain values, and its number of duplicate rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_service.learning.tables.table import Column, ColumnType, Table

MOST_VALUES = 100
MOST_SHOWN = 10
MOST_BINS = 20
LONGEST_SHOWN = 100
QUARTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "max": 1.0}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps of a table are UTC without a zone
LAST_MICROSECOND = (datetime(9999, 12, 31) - EPOCH) // timedelta(microseconds=1)  # noqa: DTZ001 - as above

Plain = int | float | str
Numbers = npt.NDArray[Any]  # Any: whole numbers or decimal ones
Positions = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
ToPlain = Callable[[Any], Plain]  # Any: a number of the array

# The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
SHIFTS_AND_FACTORS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
MISSING = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class ValueCount:
    value: Plain
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` cells lie from `edges[i]` up to `edges[i + 1]`."""

    edges: Sequence[Plain]
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """`top_values` exist for texts, truncated if long, and for columns with few distinct values."""

    distinct: int
    quantiles: dict[str, Plain] | None = None
    mean: float | None = None
    top_values: Sequence[ValueCount] = ()
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class TableStatistics:
    columns: Mapping[str, ColumnStatistics]
    duplicate_rows: int


def compute_statistics(table: Table) -> TableStatistics:
    columns: dict[str, ColumnStatistics] = {}
    hashes: Hashes | None = np.zeros(table.rows, np.uint64)
    for name, column in table.columns.items():
        cells = _to_array(column)
        columns[name] = _describe(column.kind, cells)
        if columns[name].distinct == table.rows:
            hashes = None  # every row differs from the others
        if hashes is not None:
            hashes = splitmix64(hashes * np.uint64(3) + _identify(cells))
    return TableStatistics(columns, 0 if hashes is None else _count_repeats(hashes))


def splitmix64(numbers: Hashes) -> Hashes:
    """A hash of each number, independent of the others, unlike draws of a seeded generator."""
    for shift, factor in SHIFTS_AND_FACTORS:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


def _to_array(column: Column) -> pa.Array:
    """The cells as one array: texts as a dictionary, dates as microseconds since 1970."""
    cells = column.cells.combine_chunks()
    if column.kind == "text":
        return cells.dictionary_encode()
    return cells.cast(pa.int64()) if column.kind == "date" else cells


def _describe(kind: ColumnType, cells: pa.Array) -> ColumnStatistics:
    if len(cells) == cells.null_count:
        return ColumnStatistics(distinct=0)
    if isinstance(cells, pa.DictionaryArray):
        return _describe_texts(cells)
    return _describe_ordered(cells, _to_timestamp if kind == "date" else _to_number)


def _identify(cells: pa.Array) -> Hashes:
    """A 64-bit number for each cell, the same for equal cells of a column."""
    if pa.types.is_null(cells.type):
        return np.zeros(len(cells), np.uint64)
    if isinstance(cells, pa.DictionaryArray):
        cells = cells.indices.cast(pa.int64())
    without_nulls = pa.Array.from_buffers(
        cells.type, len(cells), [None, cells.buffers()[1]], offset=cells.offset
    )
    numbers = _as_numpy(without_nulls)
    if numbers.dtype == np.float64:
        numbers = numbers + 0.0  # -0.0 to 0.0
    if not cells.null_count:
        return numbers.view(np.uint64)
    present = _as_numpy(cells.is_valid().cast(pa.uint8()))
    return np.where(present, numbers.view(np.uint64), MISSING)


def _count_repeats(hashes: Hashes) -> int:
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _as_numpy(cells: pa.Array) -> Numbers:
    """Convert numbers without nulls; Arrow's own conversion imports pandas, which takes half a second."""
    return np.from_dlpack(cells)


def _to_timestamp(microseconds: float) -> str:
    """A timestamp as ISO text, without its time at midnight."""
    # A float near the end of the year 9999 rounds beyond it.
    timestamp = EPOCH + timedelta(microseconds=min(round(microseconds), LAST_MICROSECOND))
    return timestamp.isoformat().removesuffix("T00:00:00")


def _to_number(number: float) -> int | float:
    return int(number) if isinstance(number, np.integer) else float(number)


def _describe_texts(cells: pa.DictionaryArray) -> ColumnStatistics:
    codes = _as_numpy(cells.indices.drop_null())
    counts = np.bincount(codes, minlength=len(cells.dictionary))
    most = np.argsort(-counts, kind="stable")[:MOST_SHOWN]
    top = [ValueCount(str(cells.dictionary[int(code)])[:LONGEST_SHOWN], int(counts[code])) for code in most]
    return ColumnStatistics(distinct=int(np.count_nonzero(counts)), top_values=top)


def _describe_ordered(cells: pa.Array, to_plain: ToPlain) -> ColumnStatistics:
    numbers: Numbers = np.sort(_as_numpy(cells.drop_null()))
    firsts = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    return ColumnStatistics(
        distinct=len(firsts),
        quantiles={name: to_plain(_quantile(numbers, share)) for name, share in QUARTILES.items()},
        mean=float(numbers.mean(dtype=np.float64)) if to_plain is _to_number else None,
        top_values=_count_most_common(numbers, firsts, to_plain) if len(firsts) <= MOST_VALUES else (),
        histogram=_histogram(numbers, to_plain),
    )


def _quantile(numbers: Numbers, share: float) -> Any:  # Any: a number of the array
    """A quantile of sorted numbers, interpolated like numpy's."""
    position = share * (len(numbers) - 1)
    below = int(position)
    if below == position:
        return numbers[below]
    low, high = float(numbers[below]), float(numbers[below + 1])
    return low + (high - low) * (position - below)


def _count_most_common(numbers: Numbers, firsts: Positions, to_plain: ToPlain) -> list[ValueCount]:
    counts = np.diff(firsts, append=len(numbers))
    most = np.argsort(-counts, kind="stable")[:MOST_SHOWN]
    return [ValueCount(to_plain(numbers[firsts[index]]), int(counts[index])) for index in most]


def _histogram(numbers: Numbers, to_plain: ToPlain) -> Histogram:
    low, high = float(numbers[0]), float(numbers[-1])
    if low == high:
        return Histogram([to_plain(numbers[0])] * 2, [len(numbers)])
    bins = MOST_BINS
    if np.issubdtype(numbers.dtype, np.integer):
        # Bins narrower than 1 would leave some without any integer.
        bins = int(min(bins, high - low + 1))
    edges = np.linspace(low, high, bins + 1)
    ends = np.searchsorted(numbers, edges[1:-1])
    counts = np.diff(ends, prepend=0, append=len(numbers))
    return Histogram([to_plain(edge) for edge in edges], counts.tolist())
