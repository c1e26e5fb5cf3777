"""Parquet files, some rows at a time."""

# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.batches.formats import Added, AddedKind, Format, Piece, Values
from ml_service.learning.batches.rules import MOST_ROWS_AT_ONCE
from ml_service.learning.predictors.encoding import Faults
from ml_service.learning.tables.errors import CorruptParquet, FileTooLarge
from ml_service.learning.tables.headers import check_names
from ml_service.learning.tables.limits import MEGABYTE, CsvLimits, check_rows

BUFFER = 1 << 20
MOST_TEXT = 64 * MEGABYTE
LOOKED_AT = 1000
TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
TYPES: dict[AddedKind, pa.DataType] = {"number": pa.float64(), "whole": pa.int64(), "text": pa.string()}


@dataclass(frozen=True, slots=True)
class ParquetPiece:
    names: tuple[str, ...]
    batch: pa.RecordBatch
    rows: int
    faults: Faults

    def cells(self, name: str, kind: str) -> Sequence[object]:
        return _as_kind(_unfolded(self.batch.column(self.names.index(name))), kind).to_pylist()


class ParquetFile:
    format = Format("application/vnd.apache.parquet", "parquet")

    def __init__(self, path: Path, limits: CsvLimits) -> None:
        self._path, self._limits = path, limits
        with _readable():
            self._schema = pq.read_schema(path)
            self._folded = _long_texts(path, self._schema)
        self.names = check_names(self._schema.names, None, limits)

    def count(self) -> int:
        with _readable(), self._opened() as file:
            described = file.metadata
            sizes = sum(described.row_group(each).total_byte_size for each in range(described.num_row_groups))
            rows = int(described.num_rows)
        if sizes > self._limits.unpacked_bytes:
            limit = self._limits.unpacked_bytes // MEGABYTE
            raise FileTooLarge(f"Unpacked, the file is over the limit of {limit} MB.")
        check_rows(rows, self._limits)
        return rows

    def pieces(self, rows: int, numbers: Sequence[str]) -> Iterator[Piece]:  # noqa: ARG002 - its types say
        with _readable(), self._opened() as file:
            for batch in file.iter_batches(batch_size=rows, use_threads=False):
                yield ParquetPiece(self.names, batch, batch.num_rows, Faults())

    @contextlib.contextmanager
    def writer(self, file: IO[bytes], added: Added) -> Generator["ParquetWriter"]:
        fields = [pa.field(name, TYPES[kind]) for name, kind in added.items()]
        with self._opened() as source:
            own = source.schema_arrow.remove_metadata()
        with pq.ParquetWriter(file, pa.schema([*own, *fields])) as writer:
            yield ParquetWriter(writer, [each.type for each in fields])

    def _opened(self) -> pq.ParquetFile:
        return _open(self._path, self._folded)


class ParquetWriter:
    def __init__(self, writer: pq.ParquetWriter, types: Sequence[pa.DataType]) -> None:
        self._writer, self._types = writer, types

    def write(self, piece: Piece, values: Values) -> None:
        assert isinstance(piece, ParquetPiece)  # noqa: S101 - a file writes its own pieces
        added = [pa.array(each, kind) for each, kind in zip(values, self._types, strict=True)]
        columns = [*piece.batch.columns, *added]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._writer.schema))


def _open(path: Path, folded: Sequence[str]) -> pq.ParquetFile:
    """As a dictionary a text that repeats is in memory once, however often the file says it."""
    return pq.ParquetFile(path, read_dictionary=list(folded), pre_buffer=False, buffer_size=BUFFER)


def _long_texts(path: Path, schema: pa.Schema) -> list[str]:
    """The columns whose texts would be too much if they repeated.

    All others are not read as dictionaries, which only grow: with texts that differ, as large as the file.
    """
    texts = [each.name for each in schema if any(matches(each.type) for matches in TEXTS)]
    with _open(path, texts) as file:
        longest = [_longest(file, group, texts) for group in range(file.num_row_groups)]
    return [name for name in texts if any(each[name] * MOST_ROWS_AT_ONCE > MOST_TEXT for each in longest)]


def _longest(file: pq.ParquetFile, group: int, texts: list[str]) -> dict[str, int]:
    """Of the texts that can repeat, which all come with the first of them that is read."""
    longest = dict.fromkeys(texts, 0)
    for batch in file.iter_batches(LOOKED_AT, row_groups=[group], columns=texts, use_threads=False):
        for name in texts:
            lengths = pc.binary_length(batch.column(name).dictionary)
            longest[name] = max(longest[name], pc.max(lengths).as_py() or 0)
        if all(longest.values()):
            break
    return longest


@contextlib.contextmanager
def _readable() -> Generator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptParquet("The Parquet file is damaged or cut off; write it again.") from error


def _unfolded(column: pa.Array) -> pa.Array:
    if not isinstance(column, pa.DictionaryArray):
        return column
    if pa.types.is_string(column.type.value_type):
        size = pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
        if size > MOST_TEXT:
            raise FileTooLarge("The texts of some rows are too large to unpack; shorten them.")
    return column.cast(column.type.value_type)


def _as_kind(column: pa.Array, kind: str) -> pa.Array:
    """Numbers as floats, anything else as the text that a CSV file would have."""
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "True", "False")
    if kind == "number" and not pa.types.is_string(column.type):
        numbers = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.cast(pa.string())
