"""Reading a Parquet file: its types are believed, and its columns come out as a CSV file's would."""

# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_service.learning.tables import cells
from ml_service.learning.tables.errors import CorruptParquet, FileTooLarge, NulByte, ParquetTypeUnsupported
from ml_service.learning.tables.headers import check_names
from ml_service.learning.tables.kinds import Origin, Place, Wrong, classify, correct
from ml_service.learning.tables.limits import MEGABYTE, CsvLimits, check_rows
from ml_service.learning.tables.table import Column, Kind, Table

MAGIC = b"PAR1"
BYTES_A_NUMBER = 8
DAMAGED = "The Parquet file is damaged or cut off; write it again."


def is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_parquet(
    path: Path, limits: CsvLimits, columns: Collection[str] | None, kinds: Mapping[str, Kind]
) -> Table:
    if path.stat().st_size > limits.file_bytes:
        raise FileTooLarge(f"The file is over the limit of {limits.file_bytes // MEGABYTE} MB.")
    try:
        schema = pq.read_schema(path)
        texts = [each.name for each in schema if _is_text(each.type)]
        # As a dictionary a text that repeats is in memory once, however often the file says it.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            return _Reader(file, limits, kinds).read(columns)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptParquet(DAMAGED) from error


@dataclass
class _Reader:
    file: pq.ParquetFile
    limits: CsvLimits
    kinds: Mapping[str, Kind]
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
        self._take(self.file.metadata.num_rows * BYTES_A_NUMBER)
        # One after the other, so that a file that unfolds beyond all measure is noticed on the way.
        found = self.file.read(columns=[written]).column(written)
        found.validate(full=True)
        if len(found) != self.file.metadata.num_rows:
            raise CorruptParquet(DAMAGED)
        parsed = self._as_csv_would(name, found)
        origin = Origin(".", self.limits.cell_length, lambda _, wrong: _locate(parsed, wrong))
        told = self.kinds.get(name)
        if told is None:
            return classify(name, _read_dates(parsed), origin)
        if told == "text":
            return correct(name, parsed if _is_text(parsed.type) else found.cast(pa.string()), told, origin)
        return correct(name, _read_dates(parsed), told, origin)

    def _as_csv_would(self, name: str, found: pa.ChunkedArray) -> pa.ChunkedArray:
        """Numbers of 64 bits, moments, or texts; what CSV takes for missing is missing."""
        kind = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
        if _is_text(kind):
            return self._unfold(name, found)
        found = found.cast(kind)
        if pa.types.is_boolean(kind):
            return pc.if_else(found, "True", "False")
        if pa.types.is_unsigned_integer(kind) and kind.bit_width == 64:
            beyond = pc.any(pc.greater(found, pa.scalar(2**63 - 1, pa.uint64()))).as_py()
            return found.cast(pa.float64() if beyond else pa.int64(), safe=False)
        if pa.types.is_integer(kind):
            return found.cast(pa.int64())
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            numbers = found.cast(pa.float64())
            return pc.if_else(pc.is_nan(numbers), None, numbers)
        return found

    def _unfold(self, name: str, found: pa.ChunkedArray) -> pa.ChunkedArray:
        for chunk in found.chunks:
            if isinstance(chunk, pa.DictionaryArray):
                self._take(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0)
        texts = found.cast(pa.string())
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            raise NulByte("There is a NUL character in a cell here; remove it.", column=name)
        return pc.if_else(pc.is_in(texts, pa.array(sorted(cells.MISSING))), None, texts)

    def _take(self, size: int) -> None:
        self.taken += size
        if self.taken > self.limits.unpacked_bytes:
            limit = self.limits.unpacked_bytes // MEGABYTE
            raise FileTooLarge(f"Unpacked, the file is over the limit of {limit} MB.")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_readable(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_readable(kind.value_type)
    tests = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    dated = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    return _is_text(kind) or dated or pa.types.is_null(kind) or any(test(kind) for test in tests)


def _read_dates(parsed: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that are all dates as CSV has them are dates: pandas keeps a CSV file's dates as texts."""
    if not pa.types.is_string(parsed.type):
        return parsed
    if len(parsed) == parsed.null_count:
        return pa.chunked_array([pa.nulls(len(parsed))])
    if not pc.all(pc.match_substring_regex(parsed, cells.DATE)).as_py():
        return parsed
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return parsed.cast(kind)
        except pa.ArrowInvalid:
            continue
    return parsed


def _locate(parsed: pa.ChunkedArray, wrong: Wrong) -> Place:
    texts = enumerate(parsed.cast(pa.string()).to_pylist(), start=1)
    return {"row": next((row for row, cell in texts if cell is not None and wrong(cell)), None)}
