"""Cells of a column as distinct texts: each is examined and converted once, however often it occurs."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.dialect import Decimal
from ml_service.learning.tables.errors import CellTooLong, CsvError
from ml_service.learning.tables.missing import missing_words
from ml_service.learning.tables.number_notation import BLANKS
from ml_service.learning.tables.settings import ColumnReading
from ml_service.learning.tables.table import Finding, PlaceName

SHOWN_PLACES = 5


@dataclass(frozen=True, slots=True)
class Source:
    """The file of a column: its usual decimal mark, its limit of cells, and the search for rows.

    `locate` gives the lines or rows in the file of some rows of the table, counted from 0. Texts of a `typed`
    file are no numbers, whatever they look like.
    """

    decimal: Decimal
    cell_length: int
    place: PlaceName
    locate: Callable[[Sequence[int]], Sequence[int]]
    typed: bool = False

    def place_of(self, rows: Sequence[int]) -> dict[str, Any]:  # Any: members of a refusal
        """The place of the first row, as a member of a refusal."""
        return dict.fromkeys([self.place], self.locate(rows[:1])[0]) if rows else {}


@dataclass(slots=True)
class DistinctTexts:
    """The distinct texts of a column, the number of cells of each, and findings about them."""

    name: str
    texts: pa.Array
    codes: pa.Array
    counts: pa.Array
    source: Source
    findings: list[Finding] = field(default_factory=list[Finding])

    @classmethod
    def of(cls, name: str, cells: pa.ChunkedArray, source: Source) -> "DistinctTexts":
        """Raises CellTooLong."""
        encoded = cells.combine_chunks().dictionary_encode()
        counts = np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(encoded.dictionary))
        made = cls(name, encoded.dictionary, encoded.indices, pa.array(counts, pa.int64()), source)
        if (pc.max(pc.utf8_length(made.texts)).as_py() or 0) > source.cell_length:
            too_long = pc.greater(pc.utf8_length(made.texts), source.cell_length)
            raise too_long_cell(name, source.cell_length, source.place_of(made.rows(too_long, 1)))
        return made

    def count(self, mask: pa.Array) -> int:
        """The number of cells whose text is in a mask of the distinct texts."""
        return pc.sum(pc.if_else(pc.fill_null(mask, False), self.counts, 0)).as_py() or 0

    def rows(self, mask: pa.Array, most: int = SHOWN_PLACES) -> list[int]:
        """The first rows whose text is in the mask."""
        chosen = pc.fill_null(pc.fill_null(mask, False).take(self.codes), False)
        return np.flatnonzero(chosen.to_numpy(zero_copy_only=False))[:most].tolist()

    def spread(self, values: pa.Array) -> pa.ChunkedArray:
        """A value for each cell, from one for each distinct text."""
        return pa.chunked_array([values.take(self.codes)])

    def refusal(self, error: type[CsvError], sentence: str, mask: pa.Array) -> CsvError:
        """The refusal of the first cell in the mask."""
        return error(sentence, column=self.name, **self.source.place_of(self.rows(mask, 1)))


@dataclass(frozen=True, slots=True)
class PresentTexts:
    """The distinct texts without blanks around them, null for a missing cell; `total` counts their cells.

    `words` has the number of cells of each word for a missing cell.
    """

    texts: pa.Array
    total: int
    words: Mapping[str, int]

    @property
    def values(self) -> pa.Array:
        return self.texts.drop_null()


def find_present(cells: DistinctTexts, setting: ColumnReading) -> PresentTexts:
    texts = strip_numbers(cells.texts) if setting.type != "text" else cells.texts
    if setting.type == "text" and setting.trim is not False:
        texts = pc.utf8_trim_whitespace(texts)
    blank_free = texts if setting.trim is not False else pc.utf8_trim_whitespace(texts)
    words = missing_words(setting)
    missing = pc.is_in(blank_free, pa.array(sorted(words)))
    found: dict[str, int] = {}
    for text, count in zip(
        blank_free.filter(missing).to_pylist(), cells.counts.filter(missing).to_pylist(), strict=True
    ):
        if text and count:
            found[text] = found.get(text, 0) + count
    present = pc.if_else(missing, None, texts)
    return PresentTexts(present, cells.count(present.is_valid()), found)


def strip_numbers(texts: pa.Array) -> pa.Array:
    """Texts without blanks around them, no-break and invisible ones among them."""
    return pc.utf8_trim(texts, BLANKS)


def too_long_cell(name: str, most: int, place: Mapping[str, Any]) -> CellTooLong:
    return CellTooLong(f"A cell here is over {most} characters; shorten it.", column=name, **place)
