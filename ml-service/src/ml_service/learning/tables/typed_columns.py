"""Columns of cells with types of their own: cells keep them, and texts are read by the rules of CSV.

Numbers beside texts are written in a form that every notation reads alike, so that the decimal comma of a
text does not change the cells that are numbers.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.column_types import Read, read_column
from ml_service.learning.tables.distinct_texts import Source
from ml_service.learning.tables.errors import NulByte
from ml_service.learning.tables.missing import missing_words
from ml_service.learning.tables.number_notation import LARGEST_EXACT
from ml_service.learning.tables.settings import ISO, ColumnReading
from ml_service.learning.tables.table import Finding
from ml_service.learning.tables.typed_cells import (
    ARRAYS,
    Kind,
    TypedColumn,
    clock,
    render,
    shown,
    unambiguous,
)

NUMBERS = {"number", "whole"}
OF_ARRAYS: dict[Kind, str] = {
    **{"number": "numbers", "moment": "moments", "text": "texts", "boolean": "texts"},
    **{"time": "seconds", "duration": "seconds"},
}


def read_typed(name: str, cells: TypedColumn, setting: ColumnReading, source: Source) -> Read:
    """The column by its setting, or with a detected type, and findings about it."""
    arrays = {each: cells.array(each) for each in ARRAYS}
    if pc.any(pc.match_substring(arrays["texts"], "\0")).as_py():
        raise NulByte("There is a NUL character in a cell here; remove it.", column=name)
    typed = _Cells(name, arrays, frozenset(cells.kinds), setting, source)
    words = Counter(cells.errors)
    if setting.missing is not None:
        typed, found_words = typed.without(setting.missing)
        words += found_words
    column, found = typed.read()
    words += typed.count_words(column.reading)
    found = [finding for finding in found if finding.code != "missing_words"]
    return column, [*found, findings.missing_words(name, words)] if words else found


@dataclass(frozen=True, slots=True)
class _Cells:
    name: str
    arrays: dict[str, pa.ChunkedArray]
    kinds: frozenset[Kind]
    setting: ColumnReading
    source: Source

    def read(self) -> Read:
        type_ = self.setting.type
        if self.kinds == frozenset[Kind]({"number"}) and type_ in {None, *NUMBERS}:
            # Spreadsheets do not distinguish 1 from 1.0, but the classes of a label do.
            return self._read_as("numbers", whole=True)
        if self.kinds == frozenset[Kind]({"moment"}) and type_ in {None, "date"}:
            return self._read_as("moments")
        is_duration = "duration" in self.kinds and self.kinds <= {"duration", "time"}
        if is_duration and type_ in {None, *NUMBERS}:
            column, found = self._read_as("seconds")
            return column, [*found, findings.durations(self.name)]
        return self._read_mixed()

    def without(self, words: tuple[str, ...]) -> tuple["_Cells", Counter[str]]:
        """The cells without those that show one of the words, which are counted."""
        texts = pc.utf8_trim_whitespace(self._to_texts(shown))
        gone = pc.is_in(texts, pa.array(words, pa.string()))
        arrays = {name: pc.if_else(gone, None, array) for name, array in self.arrays.items()}
        present = {name for name, array in arrays.items() if array.null_count < len(array)}
        kinds = frozenset(kind for kind in self.kinds if OF_ARRAYS[kind] in present)
        return replace(self, arrays=arrays, kinds=kinds), Counter(texts.filter(gone).to_pylist())

    def count_words(self, reading: ColumnReading) -> Counter[str]:
        """The number of texts of each word for a missing cell, in a column that has no texts otherwise."""
        if reading.type not in {*NUMBERS, "date", "time"}:
            return Counter()
        counts = pc.utf8_trim_whitespace(self.arrays["texts"].drop_null()).value_counts().to_pylist()
        words = missing_words(reading) - {""}
        return Counter({each["values"]: each["counts"] for each in counts if each["values"] in words})

    def _read_as(self, array: str, *, whole: bool = False) -> Read:
        cells = self.arrays[array]
        if whole and pc.all(pc.equal(pc.floor(cells), cells)).as_py():
            span = pc.max(pc.abs(cells)).as_py() or 0
            cells = cells.cast(pa.int64()) if span <= LARGEST_EXACT else cells
        return read_column(self.name, cells, None, self.setting, self.source)

    def _read_mixed(self) -> Read:
        texts = self._to_texts(unambiguous)
        column, found = read_column(self.name, texts, None, self.setting, self.source)
        if column.kind == "text" and column.reading.type != "boolean" and "number" in self.kinds:
            as_text = replace(self.setting, type="text")
            written, _ = read_column(self.name, self._to_texts(shown), None, as_text, self.source)
            column = replace(written, reading=column.reading, decision=column.decision)
        return column, [*found, *self._find_number_texts(column.reading, found)]

    def _find_number_texts(self, reading: ColumnReading, found: list[Finding]) -> list[Finding]:
        """The remark that texts were read as numbers, unless one about their notation says so."""
        if reading.type not in NUMBERS or any(finding.code == "number_notation" for finding in found):
            return []
        texts = self.arrays["texts"]
        cells = len(texts) - texts.null_count - self.count_words(reading).total()
        return [findings.numbers_in_texts(self.name, cells)] if cells else []

    def _to_texts(self, write: Callable[[float], str]) -> pa.ChunkedArray:
        """All cells as texts, numbers as `write` does, and dates in the format of the settings."""
        format = self.setting.format or ISO

        def write_date(moment: Any) -> str:  # Any: a datetime
            return shown(moment) if format == ISO else moment.strftime(format)

        rendered = (
            render(self.arrays["numbers"], write),
            render(self.arrays["moments"], write_date),
            render(self.arrays["seconds"], clock),
        )
        return pc.coalesce(self.arrays["texts"], *rendered)
