"""What the cells of a column look like, in plain values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_service.learning.tables.table import Kind

MOST_VALUES = 100
MOST_SHOWN = 10
MOST_BINS = 20
LONGEST_SHOWN = 100
QUARTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "max": 1.0}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - moments of a table are UTC without saying so

Plain = int | float | str
Numbers = npt.NDArray[Any]  # Any: whole numbers or decimal ones
Positions = npt.NDArray[np.int64]
Tell = Callable[[Any], Plain]  # Any: one of those numbers


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
class Summary:
    """`top_values` are told where there are few values or where they are texts; long texts are cut."""

    distinct: int
    quantiles: dict[str, Plain] | None = None
    mean: float | None = None
    top_values: Sequence[ValueCount] = ()
    histogram: Histogram | None = None


def summarise(kind: Kind, cells: pa.Array) -> Summary:
    """Of one column; texts come dictionary-encoded, dates as microseconds since 1970."""
    if len(cells) == cells.null_count:
        return Summary(distinct=0)
    if isinstance(cells, pa.DictionaryArray):
        return _summarise_texts(cells)
    return _summarise_ordered(cells, tell_moment if kind == "date" else _tell_number)


def as_numpy(cells: pa.Array) -> Numbers:
    """Numbers none of which is missing; Arrow's own way would import pandas, which takes half a second."""
    return np.from_dlpack(cells)


def tell_moment(microseconds: float) -> str:
    """A moment as ISO text, a mere date where it is midnight."""
    moment = EPOCH + timedelta(microseconds=round(microseconds))
    return moment.isoformat().removesuffix("T00:00:00")


def _tell_number(number: float) -> int | float:
    return int(number) if isinstance(number, np.integer) else float(number)


def _summarise_texts(cells: pa.DictionaryArray) -> Summary:
    codes = as_numpy(cells.indices.drop_null())
    counts = np.bincount(codes, minlength=len(cells.dictionary))
    most = np.argsort(-counts, kind="stable")[:MOST_SHOWN]
    top = [ValueCount(str(cells.dictionary[int(code)])[:LONGEST_SHOWN], int(counts[code])) for code in most]
    return Summary(distinct=int(np.count_nonzero(counts)), top_values=top)


def _summarise_ordered(cells: pa.Array, tell: Tell) -> Summary:
    numbers: Numbers = np.sort(as_numpy(cells.drop_null()))
    firsts = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    return Summary(
        distinct=len(firsts),
        quantiles={name: tell(_quantile(numbers, share)) for name, share in QUARTILES.items()},
        mean=float(numbers.mean(dtype=np.float64)) if tell is _tell_number else None,
        top_values=_count_most_common(numbers, firsts, tell) if len(firsts) <= MOST_VALUES else (),
        histogram=_draw_histogram(numbers, tell),
    )


def _quantile(numbers: Numbers, share: float) -> Any:  # Any: a number of the array
    """As numpy interpolates, without ordering the numbers once more."""
    position = share * (len(numbers) - 1)
    below = int(position)
    if below == position:
        return numbers[below]
    low, high = float(numbers[below]), float(numbers[below + 1])
    return low + (high - low) * (position - below)


def _count_most_common(numbers: Numbers, firsts: Positions, tell: Tell) -> list[ValueCount]:
    counts = np.diff(firsts, append=len(numbers))
    most = np.argsort(-counts, kind="stable")[:MOST_SHOWN]
    return [ValueCount(tell(numbers[firsts[each]]), int(counts[each])) for each in most]


def _draw_histogram(numbers: Numbers, tell: Tell) -> Histogram:
    low, high = float(numbers[0]), float(numbers[-1])
    if low == high:
        return Histogram([tell(numbers[0])] * 2, [len(numbers)])
    bins = MOST_BINS
    if np.issubdtype(numbers.dtype, np.integer):
        # A bin narrower than one would be empty for no reason of the data's.
        bins = int(min(bins, high - low + 1))
    edges = np.linspace(low, high, bins + 1)
    ends = np.searchsorted(numbers, edges[1:-1])
    counts = np.diff(ends, prepend=0, append=len(numbers))
    return Histogram([tell(edge) for edge in edges], counts.tolist())
