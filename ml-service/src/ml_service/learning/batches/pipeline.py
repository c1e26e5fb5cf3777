"""A batch, as a worker process runs it: check the file and count its rows, then predict them."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass

from kit.errors import ServiceError
from ml_service.learning import predictors
from ml_service.learning.batches.output import (
    Format,
    added_columns,
    added_values,
    format_of,
    open_writer,
)
from ml_service.learning.predictors import PredictionOptions, Predictor
from ml_service.learning.tables import CsvLimits, Json
from ml_service.learning.tables.row_stream import MOST_ROWS_AT_ONCE, RowStream, open_rows
from ml_service.store.files import Files

MOST_CELLS_AT_ONCE = 2_000_000


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
            f"The file already has a column '{column}', which the answer adds; rename it.", column=column
        )


BATCH_ERRORS: tuple[type[ServiceError], ...] = (BatchColumnMissing, BatchColumnTaken)


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """A batch job as it is stored with the job; the price is for each started `per_units` rows."""

    rows: int
    per_units: int
    probabilities: bool
    coverage: float | None

    @property
    def options(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)

    def to_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BatchTask:
    """Keys of the rows and the model in the store, the SHA-256 of the model's files, and the options."""

    store_url: str
    rows: str
    artefact: str
    files: Json
    options: PredictionOptions
    limits: CsvLimits


@dataclass(frozen=True, slots=True)
class BatchResult:
    good: int
    size_bytes: int
    format: Format


def ignore_progress(_rows: int) -> None:
    pass


def count_rows(task: BatchTask) -> int:
    """The file's rows. Raises everything that keeps the whole file from being predicted."""
    with _open(task) as (stream, predictor):
        for name in predictor.kinds:
            if name not in stream.names:
                raise BatchColumnMissing(name)
        for name in added_columns(predictor, task.options):
            if name in stream.names:
                raise BatchColumnTaken(name)
        # A row without values makes the model refuse the options that it cannot serve.
        predictor.predict_columns({name: [None] for name in predictor.kinds}, 1, task.options)
        return stream.count()


def predict(
    task: BatchTask, result: str, report_rows: Callable[[int], None] = ignore_progress
) -> BatchResult:
    """Write the file with its predictions under the key `result`; reports the number of rows done."""
    files = Files(task.store_url)
    good, done = 0, 0
    report_rows(done)
    with _open(task) as (stream, predictor), files.open_to_write(result) as written:
        at_once = rows_at_once(len(stream.names), predictor.width)
        numbers = [name for name, kind in predictor.kinds.items() if kind == "number"]
        with open_writer(stream, written, added_columns(predictor, task.options)) as write:
            for piece in stream.pieces(at_once, numbers):
                columns = {name: piece.cells(name, kind) for name, kind in predictor.kinds.items()}
                predictions, errors = predictor.predict_columns(columns, piece.rows, task.options)
                errors |= piece.errors
                write(piece, added_values(predictions, errors))
                good += piece.rows - len(errors)
                done += piece.rows
                report_rows(done)
        files.flush(written)
    return BatchResult(good, files.size(result), format_of(stream))


def rows_at_once(columns: int, width: int) -> int:
    """The rows of a piece, for a table of so many columns that a model encodes in so many numbers a row."""
    return max(1, min(MOST_ROWS_AT_ONCE, MOST_CELLS_AT_ONCE // max(columns, width, 1)))


@contextlib.contextmanager
def _open(task: BatchTask) -> Generator[tuple[RowStream, Predictor]]:
    files = Files(task.store_url)
    with files.on_disk(task.rows) as path, files.on_disk(task.artefact) as artefact:
        yield open_rows(path, task.limits), predictors.load(artefact, task.files)
