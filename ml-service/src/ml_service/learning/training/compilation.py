"""Compilation of a fitted pipeline into the arrays that predictions use, and its calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ml_service.learning.model_types import Task, get_model_type
from ml_service.learning.model_types.protocol import Arrays, Matrix, Scorer
from ml_service.learning.predictors.calibration import nonconformity, residuals
from ml_service.learning.predictors.encoding import Encoding
from ml_service.learning.training.preparation import Labels, Rows

# More rows narrow intervals no further, and each model stores a number for each.
MOST_CALIBRATION_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Rows of the test set, prepared, with the compiled model's scores and their nonconformity."""

    rows: Matrix
    labels: Labels
    scores: Matrix
    nonconformity: Matrix


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """`score` predicts from prepared rows as a loaded predictor does."""

    encoding: Encoding
    preparation: Arrays
    model: Arrays
    score: Scorer
    calibration: CalibrationSet

    def arrays(self) -> Arrays:
        """All arrays that a predictor is loaded from, named by their part of it."""
        return {
            **{f"encoding.{name}": array for name, array in self.preparation.items()},
            **{f"model.{name}": array for name, array in self.model.items()},
            "calibration.scores": self.calibration.nonconformity,
        }


def compile_pipeline(model_type: str, task: Task, pipeline: Pipeline, test: Rows) -> CompiledModel:
    preparation, estimator = pipeline["preparation"], pipeline["model"]
    encoding, arrays = encoding_of(preparation)
    compiler = get_model_type(model_type)
    model = compiler.compile(estimator, task)
    score = compiler.scorer(model, task)
    classes = estimator.classes_.tolist() if task == "classification" else []
    return CompiledModel(encoding, arrays, model, score, _calibrate(preparation, score, classes, test))


def encoding_of(preparation: ColumnTransformer) -> tuple[Encoding, Arrays]:
    """The order of a prepared row's numbers, and the arrays that it is filled, centred and scaled by."""
    columns: dict[str, Any] = {
        name: list(chosen) for name, _, chosen in preparation.transformers_
    }  # Any: names
    numeric = [preparation.named_transformers_[name] for name in ("number", "date") if name in columns]
    fill = _concatenate([each.named_steps["fill"].statistics_ for each in numeric])
    scales = [each.named_steps["scale"] for each in numeric if "scale" in each.named_steps]
    arrays = {
        "fill": fill,
        "mean": _concatenate([each.mean_ for each in scales]) if scales else np.zeros(len(fill)),
        "scale": _concatenate([each.scale_ for each in scales]) if scales else np.ones(len(fill)),
    }
    names = columns.get("text", [])
    categories = preparation.named_transformers_["text"].categories_ if names else []
    texts = {name: [str(each) for each in known] for name, known in zip(names, categories, strict=True)}
    return Encoding(tuple(columns.get("number", [])), tuple(columns.get("date", [])), texts), arrays


def _calibrate(
    preparation: ColumnTransformer, score: Scorer, classes: Sequence[str | int], test: Rows
) -> CalibrationSet:
    """The split has shuffled the test set, so its first rows are a sample of it."""
    rows: Matrix = np.asarray(preparation.transform(test.frame.iloc[:MOST_CALIBRATION_ROWS]))
    labels = test.labels[:MOST_CALIBRATION_ROWS]
    scores = score(rows)
    if not classes:
        return CalibrationSet(rows, labels, scores, residuals(scores, labels))
    by_class = nonconformity(rows, scores)
    positions = {label: position for position, label in enumerate(classes)}
    # A class that the training set lacks has the highest nonconformity there is.
    own = [
        by_class[row, positions[each]] if each in positions else 1.0
        for row, each in enumerate(labels.tolist())
    ]
    return CalibrationSet(rows, labels, scores, np.array(own))


def _concatenate(parts: list[Any]) -> np.ndarray[Any, Any]:  # Any: arrays of numbers
    return np.concatenate(parts) if parts else np.zeros(0)
