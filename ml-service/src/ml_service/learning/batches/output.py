"""A batch's result: the rows of the file with the added columns, in the file's own format."""

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

from ml_service.learning.predictors import PredictionOptions, Predictions, Predictor
from ml_service.learning.tables.row_stream import (
    CsvPiece,
    CsvStream,
    ParquetPiece,
    ParquetStream,
    RowPiece,
    RowStream,
)
from ml_service.learning.tables.table import RowErrors

ERROR = "error"

AddedType = Literal["number", "whole", "text"]
Added = Mapping[str, AddedType]
# The cells of the added columns, column by column.
Values = Sequence[Sequence[object]]
Write = Callable[[RowPiece, Values], None]

ARROW_TYPES: dict[AddedType, pa.DataType] = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "text": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    suffix: str


CSV = Format("text/csv; charset=utf-8", "csv")
PARQUET = Format("application/vnd.apache.parquet", "parquet")


def format_of(stream: RowStream) -> Format:
    return CSV if isinstance(stream, CsvStream) else PARQUET


def added_columns(predictor: Predictor, options: PredictionOptions) -> Added:
    """Columns in the order in which `added_values` gives their cells."""
    classes = predictor.classes
    whole = bool(classes) and all(isinstance(each, int) for each in classes)
    predicted: AddedType = "whole" if whole else "text" if classes else "number"
    added: dict[str, AddedType] = {"prediction": predicted}
    if options.probabilities:
        added.update({f"probability_{label}": "number" for label in classes})
    if options.coverage is not None:
        added.update({"label_set": "text"} if classes else {"low": "number", "high": "number"})
    added[ERROR] = "text"
    return added


def added_values(predictions: Predictions, errors: RowErrors) -> Values:
    """A row with an error has nothing but that error."""
    columns: list[list[object]] = [list(predictions.values)]
    if predictions.probabilities is not None:
        columns += [list(each) for each in zip(*predictions.probabilities, strict=True)]
    if predictions.label_sets is not None:
        columns.append([orjson.dumps(each).decode() for each in predictions.label_sets])
    if predictions.intervals is not None:
        columns += [list(each) for each in zip(*predictions.intervals, strict=True)]
    for column in columns:
        for index in errors:
            column[index] = None
    return [*columns, [errors.get(index) for index in range(len(predictions.values))]]


def open_writer(stream: RowStream, file: IO[bytes], added: Added) -> AbstractContextManager[Write]:
    """A function that writes pieces with their added values; the file is complete after the block."""
    if isinstance(stream, CsvStream):
        return _csv_writer(stream, file, added)
    return _parquet_writer(stream, file, added)


@contextlib.contextmanager
def _csv_writer(stream: CsvStream, file: IO[bytes], added: Added) -> Generator[Write]:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
    # The usual line end of CSV, which also makes the writer quote a lone carriage return.
    writer = csv.writer(text, delimiter=stream.delimiter)
    writer.writerow([*stream.names, *added])

    def write(piece: RowPiece, values: Values) -> None:
        assert isinstance(piece, CsvPiece)  # noqa: S101 - a piece of this stream
        if piece.decimal == ",":
            values = [[_with_decimal_comma(each) for each in column] for column in values]
        writer.writerows([*row, *more] for row, *more in zip(piece.fields, *values, strict=True))

    yield write
    text.flush()
    text.detach()


@contextlib.contextmanager
def _parquet_writer(stream: ParquetStream, file: IO[bytes], added: Added) -> Generator[Write]:
    types = [ARROW_TYPES[each] for each in added.values()]
    fields = [pa.field(name, type_) for name, type_ in zip(added, types, strict=True)]
    with pq.ParquetWriter(file, pa.schema([*stream.schema, *fields])) as writer:

        def write(piece: RowPiece, values: Values) -> None:
            assert isinstance(piece, ParquetPiece)  # noqa: S101 - a piece of this stream
            columns = [pa.array(each, type_) for each, type_ in zip(values, types, strict=True)]
            batch = pa.RecordBatch.from_arrays([*piece.batch.columns, *columns], schema=writer.schema)
            writer.write_batch(batch)

        yield write


def _with_decimal_comma(value: object) -> object:
    return repr(value).replace(".", ",") if isinstance(value, float) else value
