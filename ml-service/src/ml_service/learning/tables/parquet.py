"""Parquet files, read into the same columns as the equivalent CSV file, with types from their schema."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import contextlib
import json
import os
import re
import struct
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.tables import reading_findings as findings
from ml_service.learning.tables.column_types import needs_texts, read_column
from ml_service.learning.tables.distinct_texts import Source
from ml_service.learning.tables.errors import (
    CorruptParquet,
    FileTooLarge,
    NulByte,
    ParquetTypeUnsupported,
)
from ml_service.learning.tables.header import check_names, clean_name
from ml_service.learning.tables.settings import OMITTED, Reading
from ml_service.learning.tables.table import (
    MEGABYTE,
    Column,
    CsvLimits,
    Finding,
    Table,
    check_file_size,
    check_rows,
    check_unpacked_size,
)

MAGIC = b"PAR1"
# pandas' name of an index without a name.
INDEX_NAME = re.compile(r"__index_level_\d+__")
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


def read_parquet(path: Path, limits: CsvLimits, columns: Collection[str] | None, reading: Reading) -> Table:
    check_file_size(path.stat().st_size, limits)
    check_footer(path)
    with refuse_damage():
        texts = [field.name for field in pq.read_schema(path) if is_text(field.type)]
        # A dictionary stores a repeated text in memory once.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            return _Reader(file, limits, reading).read(columns)


def index_columns(schema: pa.Schema) -> list[str]:
    """The columns that pandas has made of a frame's index."""
    described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    stored = {name for name in described.get("index_columns", []) if isinstance(name, str)}
    return [name for name in schema.names if name in stored or INDEX_NAME.fullmatch(name)]


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
    reading: Reading
    unpacked: int = field(default=0, init=False)
    findings: list[Finding] = field(default_factory=list[Finding], init=False)

    def read(self, columns: Collection[str] | None) -> Table:
        schema = self.file.schema_arrow
        header = check_names(schema.names, None, self.limits)
        rows = self.file.metadata.num_rows
        check_rows(rows, self.limits)
        self._check_declared_size()
        stored = dict(zip(header, schema, strict=True))
        left_out = self._find_left_out(schema)
        typed: dict[str, Column] = {}
        for name, column in stored.items():
            check_type(name, column.type)
            if name not in left_out and (columns is None or name in columns):
                typed[name] = self._read_column(name, column.name)
        settings = {name: column.reading for name, column in typed.items()}
        settings |= dict.fromkeys(left_out, OMITTED)
        in_order = {name: settings[name] for name in header if name in settings}
        return Table(
            header, typed, rows, replace(self.reading, columns=in_order), self.findings, format="parquet"
        )

    def _find_left_out(self, schema: pa.Schema) -> set[str]:
        """Columns that the settings leave out, and those of an index that no setting mentions."""
        set_types = {name: each.type for name, each in self.reading.columns.items() if each.type}
        index = [name for name in map(clean_name, index_columns(schema)) if name not in set_types]
        if index and len(index) < len(schema):
            self.findings.append(findings.index_column(index))
        else:
            index = []
        return {*index, *(name for name, type_ in set_types.items() if type_ == "omitted")}

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
        source = Source(".", self.limits.cell_length, "row", _count_rows, typed=True)
        setting = self.reading.column(name)
        texts = None
        is_plain_date = pa.types.is_temporal(parsed.type) and setting.type in {None, "date"}
        if not (is_text(parsed.type) or is_plain_date) and needs_texts(parsed.drop_null(), setting):
            texts = _as_texts(parsed, cells)
        column, found = read_column(name, parsed, texts, setting, source)
        self.findings += found
        if column.kind == "date" and pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
            self.findings.append(findings.time_zones(name, len(cells) - column.missing, 0))
        return column

    def _normalize(self, name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """Cast to 64-bit numbers, timestamps or texts."""
        type_ = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
        if is_text(type_):
            return self._decode_texts(name, cells)
        cells = cells.cast(type_)
        if pa.types.is_boolean(type_):
            return pc.if_else(cells, "True", "False")
        if pa.types.is_time(type_):
            return cells.cast(pa.string())
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
        return texts

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
    is_date = pa.types.is_date(type_) or pa.types.is_timestamp(type_) or pa.types.is_time(type_)
    return is_text(type_) or is_date or pa.types.is_null(type_) or any(test(type_) for test in tests)


def _as_texts(parsed: pa.ChunkedArray, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as in the equivalent CSV file, so that settings mean the same in both."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    return (parsed if pa.types.is_string(parsed.type) else cells).cast(pa.string())


def _count_rows(rows: Sequence[int]) -> Sequence[int]:
    return [row + 1 for row in rows]
