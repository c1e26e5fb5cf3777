"""Files of a batch's results: the rows as they were sent, in their own format, with added columns.

The rows of a workbook are written as CSV that spreadsheets open.
"""

import contextlib
import csv
import io
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ml_service.learning.predictors.encoding import Readings
from ml_service.learning.tables.encodings import codec_of
from ml_service.learning.tables.json_stream import JsonPiece, JsonStream
from ml_service.learning.tables.row_stream import (
    CsvPiece,
    CsvStream,
    ParquetPiece,
    ParquetStream,
    RowPiece,
    RowStream,
)
from ml_service.learning.tables.workbooks import WorkbookPiece, WorkbookStream

AddedType = Literal["number", "whole", "text"]
Added = Mapping[str, AddedType]
# The cells of all added columns, column by column.
Values = Sequence[Sequence[object]]
# The settings say by which decimal mark the file's numbers were read.
Write = Callable[[RowPiece, Values, Readings], None]

ARROW_TYPES: dict[AddedType, pa.DataType] = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "text": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    suffix: str


PARQUET = Format("application/vnd.apache.parquet", "parquet")
JSON_LINES = Format("application/x-ndjson", "jsonl")
# Without the byte order mark, spreadsheets read it in a code page.
CSV_OF_WORKBOOK = Format("text/csv; charset=utf-8", "csv")


def format_of(stream: RowStream, classes: Sequence[object]) -> Format:
    if isinstance(stream, ParquetStream):
        return PARQUET
    if isinstance(stream, JsonStream):
        return JSON_LINES
    if isinstance(stream, WorkbookStream):
        return CSV_OF_WORKBOOK
    charset = result_codec(stream, classes).removesuffix("-sig")
    return Format(f"text/csv; charset={charset}", "csv")


def open_writer(
    stream: RowStream, file: IO[bytes], added: Added, classes: Sequence[object]
) -> AbstractContextManager[Write]:
    """Yield a function that writes pieces with their added values; the file is complete after the block."""
    if isinstance(stream, ParquetStream):
        return _parquet_writer(stream, file, added)
    if isinstance(stream, JsonStream):
        return _json_writer(file, added)
    if isinstance(stream, WorkbookStream):
        return _workbook_writer(stream, file, added)
    return _csv_writer(stream, file, added, classes)


def result_codec(stream: CsvStream, classes: Sequence[object]) -> str:
    """The codec of the input, or UTF-8 if the labels have letters that it lacks."""
    encoding = stream.text.encoding
    try:
        for label in classes:
            str(label).encode(encoding)
    except UnicodeEncodeError:
        return "utf-8-sig"
    return codec_of(encoding) if encoding != "utf-8" or stream.text.has_mark else "utf-8"


@contextlib.contextmanager
def _csv_writer(
    stream: CsvStream, file: IO[bytes], added: Added, classes: Sequence[object]
) -> Generator[Write]:
    """CSV with the delimiter, quote, encoding, byte order mark and decimal mark of the input."""
    text = io.TextIOWrapper(
        file, result_codec(stream, classes), "backslashreplace", newline="", write_through=False
    )
    # The default line end \\r\\n also makes the writer quote a lone carriage return.
    writer = csv.writer(text, delimiter=stream.delimiter, quotechar=stream.quote or '"')
    writer.writerow([*stream.names, *added])

    def write(piece: RowPiece, values: Values, readings: Readings) -> None:
        assert isinstance(piece, CsvPiece)  # noqa: S101 - a piece of this stream
        if any(reading.decimal == "," for reading in readings.values()):
            values = [[_with_decimal_comma(value) for value in column] for column in values]
        writer.writerows([*row, *more] for row, *more in zip(piece.fields, *values, strict=True))

    yield write
    text.flush()
    text.detach()


@contextlib.contextmanager
def _workbook_writer(stream: WorkbookStream, file: IO[bytes], added: Added) -> Generator[Write]:
    """CSV with the cells as they are shown without a format."""
    text = io.TextIOWrapper(file, "utf-8-sig", "backslashreplace", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow([*stream.names, *added])

    def write(piece: RowPiece, values: Values, readings: Readings) -> None:  # noqa: ARG001 - as for CSV
        assert isinstance(piece, WorkbookPiece)  # noqa: S101 - a piece of this stream
        writer.writerows([*row, *more] for row, *more in zip(piece.texts(), *values, strict=True))

    yield write
    text.flush()
    text.detach()


@contextlib.contextmanager
def _json_writer(file: IO[bytes], added: Added) -> Generator[Write]:
    """The lines as they were sent, with more members at the end of each object."""

    def write(piece: RowPiece, values: Values, readings: Readings) -> None:  # noqa: ARG001 - as for CSV
        assert isinstance(piece, JsonPiece)  # noqa: S101 - a piece of this stream
        for line, *cells in zip(piece.lines, *values, strict=True):
            members = orjson.dumps(dict(zip(added, cells, strict=True)), option=orjson.OPT_SERIALIZE_NUMPY)
            row = line.rstrip().removesuffix(b"}").rstrip()
            comma = b"" if row.endswith(b"{") else b", "
            file.write(row + comma + members.removeprefix(b"{") + b"\n")

    yield write


@contextlib.contextmanager
def _parquet_writer(stream: ParquetStream, file: IO[bytes], added: Added) -> Generator[Write]:
    types = [ARROW_TYPES[added_type] for added_type in added.values()]
    fields = [pa.field(name, type_) for name, type_ in zip(added, types, strict=True)]
    with pq.ParquetWriter(file, pa.schema([*stream.schema, *fields])) as writer:

        def write(piece: RowPiece, values: Values, readings: Readings) -> None:  # noqa: ARG001 - as for CSV
            assert isinstance(piece, ParquetPiece)  # noqa: S101 - a piece of this stream
            columns = [pa.array(column, type_) for column, type_ in zip(values, types, strict=True)]
            batch = pa.RecordBatch.from_arrays([*piece.batch.columns, *columns], schema=writer.schema)
            writer.write_batch(batch)

        yield write


def _with_decimal_comma(value: object) -> object:
    return repr(value).replace(".", ",") if isinstance(value, float) else value
