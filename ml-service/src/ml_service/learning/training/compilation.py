"""Compilation of a fitted pipeline into arrays for prediction, and its calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ml_service.learning.model_types import Task, get_model_type
from ml_service.learning.model_types.protocol import Arrays, Matrix, Scorer
from ml_service.learning.predictors.calibration import (
    SAME_WIDTH,
    IntervalShape,
    nonconformity,
    residuals,
)
from ml_service.learning.predictors.encoding import Encoding
from ml_service.learning.training.preparation import Labels, Rows

# Test rows for intervals and reports: more would change neither visibly, and a model stores a number for
# each. Metrics are computed on all test rows.
MOST_EVALUATED_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Prepared rows of the test set, with the model's scores and their nonconformity.

    `shape` is that of the intervals of a regression.
    """

    rows: Matrix
    labels: Labels
    scores: Matrix
    nonconformity: Matrix
    shape: IntervalShape | None = None

    def arrays(self) -> Arrays:
        return {"scores": self.nonconformity, **(self.shape.to_arrays() if self.shape else {})}


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A model in arrays; `score` predicts from prepared rows, as a loaded predictor does up to rounding."""

    encoding: Encoding
    preparation: Arrays
    model: Arrays
    score: Scorer
    calibration: CalibrationSet

    def arrays(self) -> Arrays:
        """All arrays of a predictor; prefixes of their names group them."""
        return {
            **{f"encoding.{name}": array for name, array in self.preparation.items()},
            **{f"model.{name}": array for name, array in self.model.items()},
            **{f"calibration.{name}": array for name, array in self.calibration.arrays().items()},
        }


def compile_pipeline(
    model_type: str, task: Task, pipeline: Pipeline, test: Rows, shape: IntervalShape = SAME_WIDTH
) -> CompiledModel:
    preparation, estimator = pipeline.named_steps["preparation"], pipeline.named_steps["model"]
    encoding, arrays = encoding_of(preparation)
    model = get_model_type(model_type).compile(estimator, task)
    score: Scorer = estimator.predict_proba if task == "classification" else estimator.predict
    # The first rows of the test set are a random sample, because the split has shuffled it.
    rows: Matrix = np.asarray(preparation.transform(test.frame.iloc[:MOST_EVALUATED_ROWS]))
    labels = test.labels[:MOST_EVALUATED_ROWS]
    calibration = (
        _calibrate_labels(rows, labels, score(rows), estimator.classes_.tolist())
        if task == "classification"
        else _calibrate_values(rows, labels, score(rows), shape)
    )
    return CompiledModel(encoding, arrays, model, score, calibration)


def encoding_of(preparation: ColumnTransformer) -> tuple[Encoding, Arrays]:
    """The columns of a prepared row, and the arrays that fill, centre and scale it."""
    columns: dict[str, list[str]] = {name: list(names) for name, _, names in preparation.transformers_}
    numeric = [preparation.named_transformers_[name] for name in ("number", "date") if name in columns]
    fill = _concatenate([transformer.named_steps["fill"].statistics_ for transformer in numeric])
    scales = [
        transformer.named_steps["scale"] for transformer in numeric if "scale" in transformer.named_steps
    ]
    arrays = {
        "fill": fill,
        "mean": _concatenate([scale.mean_ for scale in scales]) if scales else np.zeros(len(fill)),
        "scale": _concatenate([scale.scale_ for scale in scales]) if scales else np.ones(len(fill)),
    }
    names = columns.get("text", [])
    encoded = preparation.named_transformers_["text"].categories_ if names else []
    texts = {name: list(map(str, categories)) for name, categories in zip(names, encoded, strict=True)}
    return Encoding(tuple(columns.get("number", [])), tuple(columns.get("date", [])), texts), arrays


def _calibrate_values(rows: Matrix, labels: Labels, scores: Matrix, shape: IntervalShape) -> CalibrationSet:
    return CalibrationSet(rows, labels, scores, residuals(scores, labels, shape), shape)


def _calibrate_labels(rows: Matrix, labels: Labels, scores: Matrix, codes: Sequence[int]) -> CalibrationSet:
    by_class = nonconformity(rows, scores)
    positions = {code: position for position, code in enumerate(codes)}
    # A class missing in the training set has the highest possible nonconformity.
    own = [
        by_class[row, positions[code]] if code in positions else 1.0
        for row, code in enumerate(labels.tolist())
    ]
    return CalibrationSet(rows, labels, scores, np.array(own))


def _concatenate(parts: list[Any]) -> np.ndarray[Any, Any]:  # Any: arrays of numbers
    return np.concatenate(parts) if parts else np.zeros(0)
