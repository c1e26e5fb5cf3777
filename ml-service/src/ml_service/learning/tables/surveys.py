"""A table looked at once, column by column: each one's summary, and how many rows repeat earlier ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_service.learning.tables.summaries import Summary, as_numpy, summarise
from ml_service.learning.tables.table import Column, Table

Hashes = npt.NDArray[np.uint64]

# The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
SHIFTS_AND_FACTORS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
MISSING = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Survey:
    summaries: Mapping[str, Summary]
    duplicate_rows: int


def survey(table: Table) -> Survey:
    summaries: dict[str, Summary] = {}
    hashes: Hashes | None = np.zeros(table.rows, np.uint64)
    for name, column in table.columns.items():
        cells = _gather(column)
        summaries[name] = summarise(column.kind, cells)
        if summaries[name].distinct == table.rows:
            hashes = None  # no row is like another
        if hashes is not None:
            hashes = mix(hashes * np.uint64(3) + _tell_apart(cells))
    return Survey(summaries, 0 if hashes is None else _count_repeats(hashes))


def _gather(column: Column) -> pa.Array:
    """Its cells in one piece: texts with a code for each, moments as microseconds."""
    cells = column.cells.combine_chunks()
    if column.kind == "text":
        return cells.dictionary_encode()
    return cells.cast(pa.int64()) if column.kind == "date" else cells


def _tell_apart(cells: pa.Array) -> Hashes:
    """A number for each cell, the same for equal cells of a column."""
    if pa.types.is_null(cells.type):
        return np.zeros(len(cells), np.uint64)
    if isinstance(cells, pa.DictionaryArray):
        cells = cells.indices.cast(pa.int64())
    whatever = pa.Array.from_buffers(cells.type, len(cells), [None, cells.buffers()[1]], offset=cells.offset)
    numbers = as_numpy(whatever)
    if numbers.dtype == np.float64:
        numbers = numbers + 0.0  # one zero, not two
    if not cells.null_count:
        return numbers.view(np.uint64)
    present = as_numpy(cells.is_valid().cast(pa.uint8()))
    return np.where(present, numbers.view(np.uint64), MISSING)


def mix(numbers: Hashes) -> Hashes:
    for shift, factor in SHIFTS_AND_FACTORS:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


def _count_repeats(hashes: Hashes) -> int:
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))
