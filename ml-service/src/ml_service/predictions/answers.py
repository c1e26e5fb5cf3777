"""Answers to prediction requests: the members that a model computes, whole or in pieces.

Without a web framework, because a reader process imports this module.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from ml_service.learning.predictors import EncodedRows, PredictionOptions, Predictions, Predictor

# Any: lists of values, probabilities, intervals, label sets and warnings
Answer = dict[str, Any]

# Members of an answer about several rows, and their names in an answer about one row.
SINGULAR = {
    "predictions": "prediction",
    "probabilities": "probabilities",
    "intervals": "interval",
    "label_sets": "label_set",
}
# A thread cannot be stopped from outside: it looks up after each piece.
PIECE_SECONDS = 0.05


class Stopped(Exception):
    """Nobody waits for this answer any more."""


def compute(predictor: Predictor, encoded: EncodedRows, options: PredictionOptions) -> Answer:
    """Score encoded rows, with options that `check` has accepted."""
    return to_answer(predictor, predictor.score(encoded, options))


def compute_in_pieces(
    predictor: Predictor,
    encoded: EncodedRows,
    options: PredictionOptions,
    is_stopped: Callable[[], bool],
) -> Answer:
    """The same answer, computed in pieces; raises Stopped."""
    rows = len(encoded.matrix)
    size = rows_in(PIECE_SECONDS, predictor, rows)
    pieces: list[Answer] = []
    for start in range(0, rows, size):
        if is_stopped():
            raise Stopped
        piece = encoded._replace(matrix=encoded.matrix[start : start + size])
        pieces.append(compute(predictor, piece, options))
    return _join(pieces)


def rows_in(seconds: float, predictor: Predictor, rows: int) -> int:
    """The number of rows, at least one, that take this time, from the estimate for so many rows."""
    return max(1, int(seconds * rows / max(predictor.estimate_seconds(rows), 1e-9)))


def to_answer(predictor: Predictor, predicted: Predictions) -> Answer:
    answer: Answer = {
        "predictions": predicted.values,
        "warnings": predicted.warnings_to_json(),
        "warning_count": predicted.warning_count,
    }
    if predicted.probabilities is not None:
        classes = [str(label) for label in predictor.classes]
        answer["probabilities"] = [dict(zip(classes, row, strict=True)) for row in predicted.probabilities]
    if predicted.intervals is not None:
        answer["intervals"] = [{"low": low, "high": high} for low, high in predicted.intervals]
    if predicted.label_sets is not None:
        answer["label_sets"] = predicted.label_sets
    return answer


def first_row(answer: Answer) -> Answer:
    """The members of an answer about one row."""
    singular = {SINGULAR[name]: rows[0] for name, rows in answer.items() if name in SINGULAR}
    others = {name: value for name, value in answer.items() if name not in SINGULAR}
    return singular | others


def _join(pieces: Sequence[Answer]) -> Answer:
    # Warnings are of the encoding, and so equal in all pieces.
    first = pieces[0]
    if len(pieces) == 1:
        return first
    lists = {
        name: list(chain.from_iterable(piece[name] for piece in pieces)) for name in SINGULAR if name in first
    }
    return first | lists
