"""Columns of a CSV file: Arrow's types where cells are plain, a second look at their texts elsewhere."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.arrow import Body, has_leading_zeros, parse, read_texts
from ml_service.learning.tables.column_types import Read, needs_texts, read_column
from ml_service.learning.tables.dialect import Decimal
from ml_service.learning.tables.distinct_texts import Source
from ml_service.learning.tables.settings import ColumnReading, Reading
from ml_service.learning.tables.table import MEGABYTE, Finding

# The size of the texts of columns that are looked at in one pass.
TEXTS_AT_ONCE = 64 * MEGABYTE
MOST_PASSES = 8
THOUSAND = 1000


@dataclass
class ColumnReader:
    """Reads the columns of a body by settings in which the layout is filled in."""

    body: Body
    reading: Reading
    columns: dict[str, Read] = field(default_factory=dict[str, Read])

    def read(self, names: Sequence[str]) -> int:
        """Read the columns into `columns`; returns the number of rows."""
        with ThreadPoolExecutor(1, "zeros") as threads:
            # Beside Arrow, whose threads leave a processor idle now and then.
            scan = threads.submit(has_leading_zeros, self.body.content, self.body.delimiter)
            # Arrow checks the width of the rows only if it reads at least one column.
            parsed = parse(self.body, names or self.body.header.names[:1], self.reading)
            has_zeros = scan.result()
        decimal = self.reading.decimal or self._usual_decimal(parsed)
        self._read_all(names, parsed, decimal, has_zeros)
        if self.reading.decimal is None and decimal == "." and self._has_decimal_commas():
            self._read_all(self._ambiguous_names(parsed), parsed, ",", has_zeros)
        return parsed.num_rows

    def setting(self, name: str) -> ColumnReading:
        setting = self.reading.column(name)
        if setting.type not in {None, "number", "whole"}:
            return setting
        marks = ColumnReading(decimal=self.reading.decimal, thousands=self.reading.thousands)
        return setting.or_else(marks)

    def _usual_decimal(self, parsed: pa.Table) -> Decimal:
        has_points = any(pa.types.is_floating(column.type) for column in parsed.columns)
        return "." if self.body.delimiter == "," or has_points else ","

    def _read_all(self, names: Iterable[str], parsed: pa.Table, decimal: Decimal, has_zeros: bool) -> None:
        source = Source(decimal, self.body.limits.cell_length, "line", self.body.locate)
        with_texts: list[str] = []
        for name in names:
            cells, setting = parsed.column(name), self.setting(name)
            is_number = pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)
            if needs_texts(cells, setting) or (has_zeros and is_number) or self._may_group(cells, decimal):
                with_texts.append(name)
            else:
                self.columns[name] = read_column(name, cells, None, setting, source)
        for group in self._in_groups(with_texts):
            texts = read_texts(self.body, group)
            for name in group:
                cells = texts.column(name)
                converted = cells if self._may_group(parsed.column(name), decimal) else parsed.column(name)
                self.columns[name] = read_column(name, converted, cells, self.setting(name), source)

    def _in_groups(self, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """Names in so few groups that each pass over the file pays, and of bounded size."""
        if not names:
            return
        share = len(names) / len(self.body.header.names)
        passes = min(MOST_PASSES, 1 + int(share * len(self.body.content) / TEXTS_AT_ONCE))
        size = -(-len(names) // passes)
        yield from (names[start : start + size] for start in range(0, len(names), size))

    def _may_group(self, cells: pa.ChunkedArray, decimal: Decimal) -> bool:
        """True for fractions that may be groups of digits, such as 1.234 in a file with decimal commas."""
        if not pa.types.is_floating(cells.type) or (decimal == "." and self.body.delimiter == ","):
            return False
        scaled = pc.multiply(cells, THOUSAND)
        return bool(pc.all(pc.less(pc.abs(pc.subtract(scaled, pc.round(scaled))), 1e-6)).as_py())

    def _has_decimal_commas(self) -> bool:
        return any(
            column.reading.decimal == "," and not _is_ambiguous(found)
            for column, found in self.columns.values()
        )

    def _ambiguous_names(self, parsed: pa.Table) -> list[str]:
        return [
            name
            for name, (_, found) in self.columns.items()
            if _is_ambiguous(found) or pa.types.is_floating(parsed.column(name).type)
        ]


def _is_ambiguous(found: Sequence[Finding]) -> bool:
    return any(finding.code == "ambiguous_numbers" for finding in found)
