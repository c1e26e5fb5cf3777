"""Streams of a file's rows in pieces, for batches: unconverted cells in bounded memory.

A row of the wrong length does not lead to a refusal of the file: the row has an error, and all rows remain in
order.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.tables.content import PIECE_BYTES, CsvText, stream_text
from ml_service.learning.tables.dialect import csv_reader
from ml_service.learning.tables.errors import BadQuote, CellTooLong, FileTooLarge
from ml_service.learning.tables.header import check_names, read_header
from ml_service.learning.tables.json_lines import is_json_lines
from ml_service.learning.tables.json_stream import JsonStream
from ml_service.learning.tables.layout import cut_lines, find_layout
from ml_service.learning.tables.parquet import check_footer, check_type, is_parquet, is_text, refuse_damage
from ml_service.learning.tables.stored_files import require_file
from ml_service.learning.tables.table import (
    DETECTED,
    MEGABYTE,
    ROW_BYTES,
    CsvLimits,
    RowErrors,
    check_rows,
    check_unpacked_size,
)
from ml_service.learning.tables.workbook_files import is_workbook
from ml_service.learning.tables.workbooks import WorkbookStream

MOST_ROWS_AT_ONCE = 20_000
MOST_TEXT = 64 * MEGABYTE
PARQUET_BUFFER = 1 << 20
SAMPLED_ROWS = 1000


class RowPiece(Protocol):
    """Consecutive rows of a file, with the errors of rows of the wrong length."""

    @property
    def rows(self) -> int: ...

    @property
    def errors(self) -> RowErrors: ...

    def cells(self, name: str, kind: str) -> Sequence[object]:
        """A column's cells in the form that predictors accept for a feature of this type."""
        ...


@dataclass(frozen=True, slots=True)
class CsvPiece:
    """Fields as in the file; rows of the wrong length are truncated or padded."""

    names: dict[str, int]
    fields: list[list[str]]
    rows: int
    errors: RowErrors

    def cells(self, name: str, kind: str) -> Sequence[object]:  # noqa: ARG002 - as in ParquetPiece
        position = self.names[name]
        return [row[position] for row in self.fields]


class CsvStream:
    """Rows of a CSV file, plain or gzip-compressed; raises a `CsvError` at the first unreadable row."""

    def __init__(self, text: CsvText, limits: CsvLimits) -> None:
        self.text, self._limits = text, limits
        layout = find_layout(self.text.sample, self.text.delimiter, DETECTED)
        self.delimiter, self.quote = layout.delimiter or ",", layout.quote or ""
        self._lines_above, self._has_header = layout.skip_top or 0, layout.header is not False
        with self.text.open() as opened:
            begin = cut_lines(opened.read(PIECE_BYTES).encode(), self._lines_above, 0)
        header = read_header(begin, self.delimiter, self.quote, limits, given=self._has_header)
        self.names = header.names

    def check_types(self, names: Iterable[str]) -> None:
        """Any column of a CSV file can be read; each row is judged by itself."""

    def count(self) -> int:
        rows = sum(1 for _ in self._records())
        check_rows(rows, self._limits)
        return rows

    def pieces(self, rows: int) -> Iterator[CsvPiece]:
        """All rows in order, at most `rows` in a piece."""
        records, names = self._records(), {name: position for position, name in enumerate(self.names)}
        while fields := list(islice(records, rows)):
            errors = _pad_or_truncate(fields, len(names))
            yield CsvPiece(names, fields, len(fields), errors)

    def _records(self) -> Iterator[list[str]]:
        with self.text.open() as text:
            lines = _BoundedLines(text)
            for _ in islice(lines, self._lines_above):
                lines.begin_row()
            csv.field_size_limit(self._limits.cell_length)
            reader = csv_reader(lines, self.delimiter, self.quote, strict=True)
            # A blank line is a row with a missing cell if there is one column.
            one_column, waits, blank_lines = len(self.names) == 1, self._has_header, 0
            try:
                for fields in reader:
                    lines.begin_row()
                    if waits:
                        waits = not fields
                    elif fields:
                        # Those at the end of the file are no rows.
                        yield from ([""] for _ in range(blank_lines))
                        yield fields
                        blank_lines = 0
                    else:
                        blank_lines += one_column
            except csv.Error as error:
                raise self._explain(error, reader.line_num + self._lines_above) from error

    def _explain(self, error: csv.Error, line: int) -> BadQuote | CellTooLong:
        if "field limit" in str(error):
            return CellTooLong(
                f"A cell here is over {self._limits.cell_length} characters; shorten it.", line=line
            )
        return BadQuote(
            "A quoted field that ends here is not closed, or text follows its closing quote.", line=line
        )


@dataclass(frozen=True, slots=True)
class ParquetPiece:
    names: tuple[str, ...]
    batch: pa.RecordBatch
    rows: int
    errors: RowErrors

    def cells(self, name: str, kind: str) -> Sequence[object]:
        with refuse_damage():
            column = _decode_dictionary(self.batch.column(self.names.index(name)))
            return feature_cells(column, kind).to_pylist()


class ParquetStream:
    """Rows of a Parquet file; raises a `CsvError` at the first unreadable row."""

    def __init__(self, path: Path, limits: CsvLimits) -> None:
        self._path, self._limits = path, limits
        check_footer(path)
        with refuse_damage():
            self.schema = pq.read_schema(path).remove_metadata()
            self._dictionaries = self._find_long_texts()
            with self._open(self._dictionaries) as file:
                self.schema = file.schema_arrow.remove_metadata()
        self.names = check_names(self.schema.names, None, limits)

    def count(self) -> int:
        with refuse_damage(), self._open(self._dictionaries) as file:
            metadata = file.metadata
            groups = range(metadata.num_row_groups)
            size = sum(metadata.row_group(group).total_byte_size for group in groups)
            rows = int(metadata.num_rows)
        check_unpacked_size(size, self._limits)
        check_rows(rows, self._limits)
        return rows

    def check_types(self, names: Iterable[str]) -> None:
        """Raise ParquetTypeUnsupported for a column that no feature can be read from."""
        for name in names:
            check_type(name, self.schema.field(self.names.index(name)).type)

    def pieces(self, rows: int) -> Iterator[ParquetPiece]:
        with refuse_damage(), self._open(self._dictionaries) as file:
            for batch in file.iter_batches(batch_size=rows, use_threads=False):
                yield ParquetPiece(self.names, batch, batch.num_rows, RowErrors())

    def _open(self, dictionaries: Sequence[str]) -> pq.ParquetFile:
        """A dictionary stores a repeated text in memory once."""
        return pq.ParquetFile(
            self._path, read_dictionary=list(dictionaries), pre_buffer=False, buffer_size=PARQUET_BUFFER
        )

    def _find_long_texts(self) -> list[str]:
        """Columns with a text so long that a piece full of it would exceed `MOST_TEXT`.

        Only these are read as dictionaries: a dictionary never shrinks, and distinct texts would let it
        grow to the size of the file.
        """
        texts = [field.name for field in self.schema if is_text(field.type)]
        with self._open(texts) as file:
            groups = [_longest_texts(file, group, texts) for group in range(file.num_row_groups)]
        return [
            name for name in texts if any(longest[name] * MOST_ROWS_AT_ONCE > MOST_TEXT for longest in groups)
        ]


RowStream = CsvStream | JsonStream | ParquetStream | WorkbookStream


def open_rows(path: Path, limits: CsvLimits, wanted: Collection[str] = ()) -> RowStream:
    """The rows of a file; of a workbook's sheets one with all wanted columns is preferred."""
    require_file(path)
    if is_parquet(path):
        return ParquetStream(path, limits)
    if is_workbook(path):
        return WorkbookStream(path, limits, wanted)
    text = stream_text(path, limits)
    return JsonStream(text, limits) if is_json_lines(text.sample) else CsvStream(text, limits)


class _BoundedLines(Iterator[str]):
    """Lines of a text for csv.reader, with a limit of the row's length, which the reader lacks."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._length = text, 0

    def begin_row(self) -> None:
        self._length = 0

    def __next__(self) -> str:
        line = self._text.readline(ROW_BYTES)
        if not line:
            raise StopIteration
        self._length += len(line)
        if self._length >= ROW_BYTES:
            raise CellTooLong(f"A row is over {ROW_BYTES // MEGABYTE} MB; shorten it.")
        return line


def _pad_or_truncate(fields: list[list[str]], width: int) -> RowErrors:
    errors = RowErrors()
    for index, row in enumerate(fields):
        if len(row) != width:
            errors[index] = f"The row has {len(row)} fields, the header {width}."
            fields[index] = [*row, *[""] * width][:width]
    return errors


def _longest_texts(file: pq.ParquetFile, group: int, texts: list[str]) -> dict[str, int]:
    """The length of the longest text in each dictionary; the first batch with texts has all of it."""
    longest = dict.fromkeys(texts, 0)
    for batch in file.iter_batches(SAMPLED_ROWS, row_groups=[group], columns=texts, use_threads=False):
        for name in texts:
            lengths = pc.binary_length(batch.column(name).dictionary)
            longest[name] = max(longest[name], pc.max(lengths).as_py() or 0)
        if all(longest.values()):
            break
    return longest


def _decode_dictionary(column: pa.Array) -> pa.Array:
    if not isinstance(column, pa.DictionaryArray):
        return column
    if pa.types.is_string(column.type.value_type):
        size = pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
        if size > MOST_TEXT:
            raise FileTooLarge("The texts of some rows are too large to unpack; shorten them.")
    return column.cast(column.type.value_type)


def feature_cells(column: pa.Array, kind: str) -> pa.Array:
    """Numbers as floats, other cells as their text in the equivalent CSV file."""
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "True", "False")
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if pa.types.is_time(column.type):
        return column.cast(pa.string())
    is_number = not (is_text(column.type) or pa.types.is_temporal(column.type))
    if kind == "number" and is_number:
        numbers = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    return column.cast(pa.string())
