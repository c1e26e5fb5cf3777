"""Batches on a worker: check a file and count its rows, then write the rows with their predictions.

The result has the format of the input file, or CSV for a workbook, with additional columns after the
existing ones.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass

import orjson

from kit.errors import ServiceError
from ml_service.learning import predictors
from ml_service.learning.batch_files import Added, AddedType, Format, Values, format_of, open_writer
from ml_service.learning.batch_readings import BatchScores, find_readings
from ml_service.learning.predictors import PredictionOptions, Predictor
from ml_service.learning.predictors.encoding import Readings
from ml_service.learning.predictors.predictor import ColumnPredictions
from ml_service.learning.tables import CsvLimits, Json, check_upload
from ml_service.learning.tables.row_stream import MOST_ROWS_AT_ONCE, RowStream, open_rows
from ml_service.store.files import Files

MOST_CELLS_AT_ONCE = 2_000_000
ERROR = "error"
# The features of a row whose category the model has not learnt.
UNKNOWN = "unknown_categories"


class BatchColumnMissing(ServiceError):
    status = 422
    code = "batch_column_missing"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The file lacks the column '{column}', which the model was trained on; add it.", column=column
        )


class BatchColumnTaken(ServiceError):
    status = 422
    code = "batch_column_taken"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The file already has a column '{column}', which the result adds; rename it.", column=column
        )


BATCH_ERRORS: tuple[type[ServiceError], ...] = (BatchColumnMissing, BatchColumnTaken)


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """The spec of a batch, stored with its job; every `per_units` rows or part thereof cost the price."""

    rows: int
    per_units: int
    probabilities: bool
    coverage: float | None
    # The SHA-256 of the rows' file; jobs of an older version have none.
    sha256: str | None = None

    @property
    def digest(self) -> bytes | None:
        return None if self.sha256 is None else bytes.fromhex(self.sha256)

    @property
    def options(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)

    def to_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BatchTask:
    """The task of a worker: `rows` and `artefact` are keys in the store, `files` are the model's files.

    `sha256` is the digest of the file of rows.
    """

    store_url: str
    rows: str
    artefact: str
    files: Json
    options: PredictionOptions
    limits: CsvLimits
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`good` counts the rows without an error, `unknown` those with a category that the model has not learnt.

    `scores` compares the predictions with the label, if the file has all its cells.
    """

    good: int
    size_bytes: int
    format: Format
    unknown: int = 0
    scores: Mapping[str, float | None] | None = None


def ignore_progress(_rows: int) -> None:
    pass


def count_rows(task: BatchTask) -> int:
    """Count the file's rows; raises the first fault that prevents predictions for the whole file."""
    with _open(task) as (stream, predictor):
        for name in predictor.kinds:
            if name not in stream.names:
                raise BatchColumnMissing(name)
        for name in _added_columns(predictor, task.options):
            if name in stream.names:
                raise BatchColumnTaken(name)
        stream.check_types(predictor.kinds)
        # A row without values makes the predictor refuse unsupported options.
        predictor.predict_columns({name: [None] for name in predictor.kinds}, 1, task.options)
        return stream.count()


def predict(
    task: BatchTask, result: str, report_rows: Callable[[int], None] = ignore_progress
) -> BatchResult:
    """Write the rows with their predictions under the key `result`; reports the number of finished rows."""
    files = Files(task.store_url)
    good = done = unknown = 0
    report_rows(done)
    with _open(task) as (stream, predictor), files.open_to_write(result) as written:
        scores = BatchScores(stream, predictor)
        at_once = rows_at_once(len(stream.names), predictor.width)
        added = _added_columns(predictor, task.options)
        with open_writer(stream, written, added, predictor.classes) as write:
            readings: Readings | None = None
            for piece in stream.pieces(at_once):
                columns = {name: piece.cells(name, kind) for name, kind in predictor.kinds.items()}
                if readings is None:
                    readings = find_readings(stream, columns, predictor)
                predicted = predictor.predict_columns(columns, piece.rows, task.options, readings)
                predicted.errors.update(piece.errors)
                write(piece, _added_values(predicted, added), readings)
                scores.add(piece, predicted)
                good += piece.rows - len(predicted.errors)
                unknown += len(predicted.unknown.keys() - predicted.errors.keys())
                done += piece.rows
                report_rows(done)
        files.flush(written)
    return BatchResult(
        good, files.size(result), format_of(stream, predictor.classes), unknown, scores.compute()
    )


def rows_at_once(columns: int, width: int) -> int:
    """The rows of a piece that bound its cells, in a table with `columns` and in encoded rows of `width`."""
    return max(1, min(MOST_ROWS_AT_ONCE, MOST_CELLS_AT_ONCE // max(columns, width, 1)))


def _added_columns(predictor: Predictor, options: PredictionOptions) -> Added:
    """Names and types of the added columns, in the order of `_added_values`."""
    classes = predictor.classes
    whole = bool(classes) and all(isinstance(label, int) for label in classes)
    predicted: AddedType = "whole" if whole else "text" if classes else "number"
    added: dict[str, AddedType] = {"prediction": predicted}
    if options.probabilities:
        added.update({f"probability_{label}": "number" for label in classes})
    if options.coverage is not None:
        added.update({"label_set": "text"} if classes else {"low": "number", "high": "number"})
    added[ERROR] = "text"
    if "text" in predictor.kinds.values():
        added[UNKNOWN] = "text"
    return added


def _added_values(predicted: ColumnPredictions, added: Added) -> Values:
    """Cells of the added columns; a row with an error has no other value."""
    predictions, errors, unknown = predicted
    columns: list[list[object]] = [list(predictions.values)]
    if predictions.probabilities is not None:
        columns += [list(column) for column in zip(*predictions.probabilities, strict=True)]
    if predictions.label_sets is not None:
        columns.append([orjson.dumps(labels).decode() for labels in predictions.label_sets])
    if predictions.intervals is not None:
        columns += [list(column) for column in zip(*predictions.intervals, strict=True)]
    for column in columns:
        for index in errors:
            column[index] = None
    rows = range(len(predictions.values))
    columns.append([errors.get(row) for row in rows])
    if UNKNOWN in added:
        features = {row: "; ".join(names) for row, names in unknown.items() if row not in errors}
        columns.append([features.get(row) for row in rows])
    return columns


@contextlib.contextmanager
def _open(task: BatchTask) -> Generator[tuple[RowStream, Predictor]]:
    files = Files(task.store_url)
    with files.on_disk(task.rows) as path, files.on_disk(task.artefact) as artefact:
        check_upload(path, task.limits, task.sha256)
        predictor = predictors.load(artefact, task.files)
        yield open_rows(path, task.limits, predictor.kinds), predictor
