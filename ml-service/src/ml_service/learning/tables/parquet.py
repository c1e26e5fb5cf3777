"""Parquet files: their types are kept, and their columns equal those of the same CSV file."""

# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

import contextlib
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.tables.column_types import ISO_DATE, MISSING, Origin, Place, Wrong, classify, correct
from ml_service.learning.tables.errors import CorruptParquet, NulByte, ParquetTypeUnsupported
from ml_service.learning.tables.header import check_names
from ml_service.learning.tables.table import (
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
DAMAGED = "The Parquet file is damaged or cut off; write it again."


def is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_parquet(
    path: Path, limits: CsvLimits, columns: Collection[str] | None, kinds: Mapping[str, ColumnType]
) -> Table:
    check_file_size(path.stat().st_size, limits)
    with refuse_damage():
        texts = [each.name for each in pq.read_schema(path) if is_text(each.type)]
        # As a dictionary a text that repeats is in memory once, however often the file repeats it.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            return _Reader(file, limits, kinds).read(columns)


@contextlib.contextmanager
def refuse_damage() -> Generator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptParquet(DAMAGED) from error


def is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


@dataclass
class _Reader:
    file: pq.ParquetFile
    limits: CsvLimits
    kinds: Mapping[str, ColumnType]
    taken: int = field(default=0, init=False)

    def read(self, columns: Collection[str] | None) -> Table:
        written = self.file.schema_arrow
        header = check_names(written.names, None, self.limits)
        rows = self.file.metadata.num_rows
        check_rows(rows, self.limits)
        fields = dict(zip(header, written, strict=True))
        for name, each in fields.items():
            if not _is_readable(each.type):
                raise ParquetTypeUnsupported(
                    "The column is not of numbers, texts, dates or truth values; convert or drop it.",
                    column=name,
                )
        read = {
            name: self._read_column(name, each.name)
            for name, each in fields.items()
            if columns is None or name in columns
        }
        return Table(header, read, rows, None)

    def _read_column(self, name: str, written: str) -> Column:
        self._take(self.file.metadata.num_rows * BYTES_PER_NUMBER)
        # One column at a time, so that a file that unpacks beyond the limit is noticed on the way.
        found = self.file.read(columns=[written]).column(written)
        found.validate(full=True)
        if len(found) != self.file.metadata.num_rows:
            raise CorruptParquet(DAMAGED)
        parsed = self._normalize(name, found)
        origin = Origin(".", self.limits.cell_length, lambda _, wrong: _locate(parsed, wrong))
        corrected = self.kinds.get(name)
        if corrected is None:
            return classify(name, _read_dates(parsed), origin)
        if corrected == "text":
            return correct(
                name, parsed if is_text(parsed.type) else found.cast(pa.string()), corrected, origin
            )
        return correct(name, _read_dates(parsed), corrected, origin)

    def _normalize(self, name: str, found: pa.ChunkedArray) -> pa.ChunkedArray:
        """Numbers of 64 bits, timestamps, or texts; a cell that CSV takes for missing is missing."""
        type_ = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
        if is_text(type_):
            return self._decode_texts(name, found)
        found = found.cast(type_)
        if pa.types.is_boolean(type_):
            return pc.if_else(found, "True", "False")
        if pa.types.is_unsigned_integer(type_) and type_.bit_width == 64:
            beyond = pc.any(pc.greater(found, pa.scalar(2**63 - 1, pa.uint64()))).as_py()
            return found.cast(pa.float64() if beyond else pa.int64(), safe=False)
        if pa.types.is_integer(type_):
            return found.cast(pa.int64())
        if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            numbers = found.cast(pa.float64())
            return pc.if_else(pc.is_nan(numbers), None, numbers)
        return found

    def _decode_texts(self, name: str, found: pa.ChunkedArray) -> pa.ChunkedArray:
        for chunk in found.chunks:
            if isinstance(chunk, pa.DictionaryArray):
                self._take(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0)
        texts = found.cast(pa.string())
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            raise NulByte("There is a NUL character in a cell here; remove it.", column=name)
        return pc.if_else(pc.is_in(texts, pa.array(sorted(MISSING))), None, texts)

    def _take(self, size: int) -> None:
        self.taken += size
        check_unpacked_size(self.taken, self.limits)


def _is_readable(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_readable(type_.value_type)
    tests = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    dated = pa.types.is_date(type_) or pa.types.is_timestamp(type_)
    return is_text(type_) or dated or pa.types.is_null(type_) or any(test(type_) for test in tests)


def _read_dates(parsed: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that are all ISO dates become dates: pandas writes a CSV file's dates as texts."""
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


def _locate(parsed: pa.ChunkedArray, wrong: Wrong) -> Place:
    texts = enumerate(parsed.cast(pa.string()).to_pylist(), start=1)
    return {"row": next((row for row, cell in texts if cell is not None and wrong(cell)), None)}
