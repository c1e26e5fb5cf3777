"""What a reader process does with a file: look it through, then predict it."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from ml_service.base import Json
from ml_service.learning import predictors
from ml_service.learning.batches.columns import added_columns, values_of
from ml_service.learning.batches.csv_file import CsvFile
from ml_service.learning.batches.errors import BatchColumnMissing, BatchColumnTaken
from ml_service.learning.batches.formats import Format, RowFile
from ml_service.learning.batches.parquet_file import ParquetFile
from ml_service.learning.batches.rules import rows_at_once
from ml_service.learning.predictors import Asked, Predictor
from ml_service.learning.tables import CsvLimits
from ml_service.learning.tables.parquet import is_parquet
from ml_service.store.files import Files


@dataclass(frozen=True, slots=True)
class Task:
    """Where the rows and the model lie in the store, the SHA-256 of the model's files, and what is asked."""

    store_url: str
    rows: str
    artefact: str
    files: Json
    asked: Asked
    limits: CsvLimits


@dataclass(frozen=True, slots=True)
class Outcome:
    good: int
    size_bytes: int
    format: Format


def tell_nobody(_rows: int) -> None:
    pass


def survey(task: Task) -> int:
    """Count the rows. Raises whatever keeps the whole file from being predicted."""
    with _opened(task) as (file, predictor):
        for name in predictor.kinds:
            if name not in file.names:
                raise BatchColumnMissing(name)
        for name in added_columns(predictor, task.asked):
            if name in file.names:
                raise BatchColumnTaken(name)
        # Asked about a row without values, the model says what it cannot tell of any.
        predictor.predict_columns({name: [None] for name in predictor.kinds}, 1, task.asked)
        return file.count()


def predict(task: Task, result: str, report: Callable[[int], None] = tell_nobody) -> Outcome:
    """Write the file with its predictions to this place in the store; reports how many rows are done."""
    files = Files(task.store_url)
    good, done = 0, 0
    report(done)
    with _opened(task) as (file, predictor), files.open_to_write(result) as written:
        at_once = rows_at_once(len(file.names), predictor.width)
        numbers = [name for name, kind in predictor.kinds.items() if kind == "number"]
        with file.writer(written, added_columns(predictor, task.asked)) as writer:
            for piece in file.pieces(at_once, numbers):
                columns = {name: piece.cells(name, kind) for name, kind in predictor.kinds.items()}
                said, faults = predictor.predict_columns(columns, piece.rows, task.asked)
                faults |= piece.faults
                writer.write(piece, values_of(said, faults))
                good += piece.rows - len(faults)
                done += piece.rows
                report(done)
        files.flush(written)
    return Outcome(good, files.size(result), file.format)


@contextlib.contextmanager
def _opened(task: Task) -> Generator[tuple[RowFile, Predictor]]:
    files = Files(task.store_url)
    with files.on_disk(task.rows) as path, files.on_disk(task.artefact) as artefact:
        yield _open(path, task.limits), predictors.load(artefact, task.files)


def _open(path: Path, limits: CsvLimits) -> RowFile:
    return (ParquetFile if is_parquet(path) else CsvFile)(path, limits)
