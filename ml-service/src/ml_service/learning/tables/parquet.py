"""Parquet files, read into the same columns as the equivalent CSV file, with types from their schema."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import contextlib
import os
import struct
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.tables.column_types import (
    ISO_DATE,
    MISSING,
    IsInvalid,
    Location,
    Origin,
    classify,
    correct,
)
from ml_service.learning.tables.errors import (
    CorruptParquet,
    FileTooLarge,
    NulByte,
    ParquetTypeUnsupported,
)
from ml_service.learning.tables.header import check_names
from ml_service.learning.tables.table import (
    MEGABYTE,
    Column,
    ColumnType,
    CsvLimits,
    Table,
    check_file_size,
    check_rows,
    check_unpacked_size,
)

MAGIC = b"PAR1"
BYTES_PER_NUMBER = 8
# At the end of a file: the length of the footer, and the magic number.
FOOTER_END = struct.Struct("<I4s")
# 2,000 columns in one row group take 0.5 MB.
MOST_FOOTER_BYTES = 8 * MEGABYTE
DAMAGED = "The Parquet file is damaged or cut off; write it again."


def is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def check_footer(path: Path) -> None:
    """Refuse a long footer: the description of all pieces of columns takes many times its size in memory."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - FOOTER_END.size))
        last = file.read()
    if len(last) == FOOTER_END.size:
        length, magic = FOOTER_END.unpack(last)
        if magic == MAGIC and length > MOST_FOOTER_BYTES:
            raise FileTooLarge(
                f"The footer is over {MOST_FOOTER_BYTES // MEGABYTE} MB; write fewer and larger row groups."
            )


def read_parquet(
    path: Path, limits: CsvLimits, columns: Collection[str] | None, kinds: Mapping[str, ColumnType]
) -> Table:
    check_file_size(path.stat().st_size, limits)
    check_footer(path)
    with refuse_damage():
        texts = [field.name for field in pq.read_schema(path) if is_text(field.type)]
        # A dictionary stores a repeated text in memory once.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            return _Reader(file, limits, kinds).read(columns)


@contextlib.contextmanager
def refuse_damage() -> Generator[None]:
    try:
        yield
    except MemoryError:
        # Arrow's is one of its other exceptions, too, but the file may be whole.
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptParquet(DAMAGED) from error


def is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


@dataclass
class _Reader:
    file: pq.ParquetFile
    limits: CsvLimits
    kinds: Mapping[str, ColumnType]
    unpacked: int = field(default=0, init=False)

    def read(self, columns: Collection[str] | None) -> Table:
        schema = self.file.schema_arrow
        header = check_names(schema.names, None, self.limits)
        rows = self.file.metadata.num_rows
        check_rows(rows, self.limits)
        self._check_declared_size()
        stored = dict(zip(header, schema, strict=True))
        for name, column in stored.items():
            check_type(name, column.type)
        typed = {
            name: self._read_column(name, column.name)
            for name, column in stored.items()
            if columns is None or name in columns
        }
        return Table(header, typed, rows, None)

    def _check_declared_size(self) -> None:
        """Texts have up to twice their size in a file, and other cells at most as much as in memory."""
        metadata = self.file.metadata
        groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
        check_unpacked_size(sum(group.total_byte_size for group in groups) // 2, self.limits)

    def _read_column(self, name: str, stored_name: str) -> Column:
        self._add_unpacked(self.file.metadata.num_rows * BYTES_PER_NUMBER)
        # Read one column at a time, so that the limit of unpacked bytes stops a large file early.
        cells = self.file.read(columns=[stored_name]).column(stored_name)
        cells.validate(full=True)
        if len(cells) != self.file.metadata.num_rows:
            raise CorruptParquet(DAMAGED)
        parsed = self._normalize(name, cells)
        origin = Origin(".", self.limits.cell_length, lambda _, is_invalid: _locate(parsed, is_invalid))
        corrected = self.kinds.get(name)
        if corrected is None:
            return classify(name, _read_dates(parsed), origin)
        if corrected == "text":
            return correct(
                name, parsed if is_text(parsed.type) else cells.cast(pa.string()), corrected, origin
            )
        return correct(name, _read_dates(parsed), corrected, origin)

    def _normalize(self, name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """Cast to 64-bit numbers, timestamps or texts; CSV's markers of a missing cell become nulls."""
        type_ = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
        if is_text(type_):
            return self._decode_texts(name, cells)
        cells = cells.cast(type_)
        if pa.types.is_boolean(type_):
            return pc.if_else(cells, "True", "False")
        if pa.types.is_unsigned_integer(type_) and type_.bit_width == 64:
            overflows = pc.any(pc.greater(cells, pa.scalar(2**63 - 1, pa.uint64()))).as_py()
            return cells.cast(pa.float64() if overflows else pa.int64(), safe=False)
        if pa.types.is_integer(type_):
            return cells.cast(pa.int64())
        if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            numbers = cells.cast(pa.float64())
            return pc.if_else(pc.is_nan(numbers), None, numbers)
        return cells

    def _decode_texts(self, name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        for chunk in cells.chunks:
            if isinstance(chunk, pa.DictionaryArray):
                size = pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0
                self._add_unpacked(size)
        texts = cells.cast(pa.string())
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            raise NulByte("There is a NUL character in a cell here; remove it.", column=name)
        return pc.if_else(pc.is_in(texts, pa.array(sorted(MISSING))), None, texts)

    def _add_unpacked(self, size: int) -> None:
        self.unpacked += size
        check_unpacked_size(self.unpacked, self.limits)


def check_type(name: str, type_: pa.DataType) -> None:
    if not _is_readable(type_):
        raise ParquetTypeUnsupported(
            "The column contains neither numbers, texts, dates nor booleans; convert or drop it.", column=name
        )


def _is_readable(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_readable(type_.value_type)
    tests = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    is_date = pa.types.is_date(type_) or pa.types.is_timestamp(type_)
    return is_text(type_) or is_date or pa.types.is_null(type_) or any(test(type_) for test in tests)


def _read_dates(parsed: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert texts to dates if all are ISO dates: pandas writes dates that it read from CSV as texts."""
    if not pa.types.is_string(parsed.type):
        return parsed
    if len(parsed) == parsed.null_count:
        return pa.chunked_array([pa.nulls(len(parsed))])
    if not pc.all(pc.match_substring_regex(parsed, ISO_DATE)).as_py():
        return parsed
    for type_ in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return parsed.cast(type_)
        except pa.ArrowInvalid:
            continue
    return parsed


def _locate(parsed: pa.ChunkedArray, is_invalid: IsInvalid) -> Location:
    texts = enumerate(parsed.cast(pa.string()).to_pylist(), start=1)
    return {"row": next((row for row, cell in texts if cell is not None and is_invalid(cell)), None)}
