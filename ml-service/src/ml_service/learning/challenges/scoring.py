"""Scores of a frozen model on hidden rows, which are read into memory and never written anywhere."""

import hashlib
import importlib.metadata
import io
import platform
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml_service.learning.batches import rows_at_once
from ml_service.learning.challenges.errors import (
    HIDDEN_ROWS_REFUSED,
    MODEL_REFUSED,
    SCORE_UNDEFINED,
)
from ml_service.learning.challenges.metric_rules import REGRESSION, MetricName
from ml_service.learning.challenges.metrics import Truth, compute, spread
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors import PredictionOptions, Predictor
from ml_service.learning.tables import Json
from ml_service.learning.tables.row_stream import feature_cells
from ml_service.store.files import Files

LIBRARIES = ("numpy", "scikit-learn", "treelite")


class ScoringRefused(Exception):
    """The model or the hidden rows cannot be used; its only argument is one of SCORING_CODES."""


@dataclass(frozen=True, slots=True)
class HiddenPart:
    """A hidden file: its key in the store, and its SHA-256."""

    name: str
    key: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ScoringTask:
    """The task of a worker: only keys, digests and names of columns."""

    store_url: str
    parts: tuple[HiddenPart, ...]
    label: str
    metric: MetricName


@dataclass(frozen=True, slots=True)
class FrozenModel:
    """The artefact of a submission: its key, and the SHA-256 of each of its files."""

    artefact: str
    files: Json


def score_parts(task: ScoringTask, predictor: Predictor) -> Json:
    """The score of each part with its spread; raises ScoringRefused."""
    files = Files(task.store_url)
    return {part.name: _score(read_hidden(files, part), predictor, task) for part in task.parts}


def read_hidden(files: Files, part: HiddenPart) -> pa.Table:
    """The rows of a hidden file, whose bytes stay in memory."""
    try:
        with files.open_to_read(part.key) as file:
            content = file.read()
    except OSError:
        raise ScoringRefused(HIDDEN_ROWS_REFUSED) from None
    if hashlib.sha256(content).digest() != part.sha256:
        raise ScoringRefused(HIDDEN_ROWS_REFUSED)
    return pq.read_table(pa.BufferReader(content), use_threads=False)


def write_part(files: Files, key: str, rows: pa.Table) -> bytes:
    """Write the rows of a part as Parquet, from memory; returns the SHA-256."""
    content = io.BytesIO()
    pq.write_table(rows, content, compression="snappy")
    with files.open_to_write(key) as file:
        file.write(content.getbuffer())
        files.flush(file)
    return hashlib.sha256(content.getbuffer()).digest()


def library_versions() -> Json:
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found}


def _score(rows: pa.Table, predictor: Predictor, task: ScoringTask) -> Json:
    is_regression = task.metric in REGRESSION
    if is_regression == bool(predictor.classes):
        raise ScoringRefused(MODEL_REFUSED)
    if not set(predictor.kinds) <= set(rows.column_names) - {task.label}:
        raise ScoringRefused(MODEL_REFUSED)
    scores = np.concatenate(
        [
            _predict(piece, predictor)
            for piece in rows.to_batches(rows_at_once(rows.num_columns, predictor.width))
        ]
    )
    labels = rows.column(task.label)
    if is_regression:
        truth = Truth(labels.cast(pa.float64(), safe=False).to_numpy())
    else:
        truth, scores = _in_classes(labels.to_pylist(), predictor.classes, scores)
    value = compute(task.metric, truth, scores)
    if value is None:
        raise ScoringRefused(SCORE_UNDEFINED)
    around = spread(task.metric, truth, scores)
    return {"score": value, "error": around.error, "low": around.low, "high": around.high}


def _predict(piece: pa.RecordBatch, predictor: Predictor) -> Matrix:
    """Probabilities of classes, or numbers, in the order of the file; an unreadable cell is a missing one."""
    columns = {
        name: feature_cells(piece.column(piece.schema.get_field_index(name)), kind).to_pylist()
        for name, kind in predictor.kinds.items()
    }
    options = PredictionOptions(probabilities=bool(predictor.classes))
    predicted = predictor.predict_columns(columns, piece.num_rows, options).predictions
    return np.asarray(predicted.values if predicted.probabilities is None else predicted.probabilities)


def _in_classes(labels: Sequence[object], known: Sequence[str | int], scores: Matrix) -> tuple[Truth, Matrix]:
    """Codes of the labels, and a column for each class in their order; a class unknown to the model has 0."""
    names = [str(each) for each in known]
    texts = [str(int(each)) if isinstance(each, float) else str(each) for each in labels]
    classes = sorted({*names, *texts})
    position = {name: code for code, name in enumerate(classes)}
    padded = np.zeros((len(labels), len(classes)))
    padded[:, [position[name] for name in names]] = scores
    return Truth(np.array([position[text] for text in texts], np.int64), len(classes)), padded
