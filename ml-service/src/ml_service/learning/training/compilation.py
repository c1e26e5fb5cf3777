"""A fitted pipeline in the form that predictions use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer

from ml_service.learning.model_types import Task, get_model_type
from ml_service.learning.model_types.protocol import Arrays, Matrix, Scorer
from ml_service.learning.predictors.encoding import Encoding


@dataclass(frozen=True, slots=True)
class Compiled:
    """`score` predicts from prepared rows as a loaded predictor will."""

    encoding: Encoding
    preparation: Arrays
    model: Arrays
    score: Scorer


def encoding_of(prepared: ColumnTransformer) -> tuple[Encoding, Arrays]:
    """Where the preparation puts each feature, and what it fills, subtracts and divides by."""
    columns: dict[str, Any] = {name: list(chosen) for name, _, chosen in prepared.transformers_}  # Any: names
    numeric = [prepared.named_transformers_[name] for name in ("number", "date") if name in columns]
    fill = _joined([each.named_steps["fill"].statistics_ for each in numeric])
    scales = [each.named_steps["scale"] for each in numeric if "scale" in each.named_steps]
    arrays = {
        "fill": fill,
        "mean": _joined([each.mean_ for each in scales]) if scales else np.zeros(len(fill)),
        "scale": _joined([each.scale_ for each in scales]) if scales else np.ones(len(fill)),
    }
    names = columns.get("text", [])
    categories = prepared.named_transformers_["text"].categories_ if names else []
    texts = {name: [str(each) for each in known] for name, known in zip(names, categories, strict=True)}
    return Encoding(tuple(columns.get("number", [])), tuple(columns.get("date", [])), texts), arrays


def compile_model(
    model_type: str, task: Task, prepared: ColumnTransformer, estimator: Any
) -> Compiled:  # Any: the class that the type builds
    kind = get_model_type(model_type)
    model = kind.compile(estimator, task)
    return Compiled(*encoding_of(prepared), model, kind.scorer(model, task))


def arrays_of(compiled: Compiled, calibration: Matrix) -> Arrays:
    """All that a predictor is loaded from, each array named by its part."""
    return {
        **{f"encoding.{name}": array for name, array in compiled.preparation.items()},
        **{f"model.{name}": array for name, array in compiled.model.items()},
        "calibration.scores": calibration,
    }


def _joined(parts: list[Any]) -> np.ndarray[Any, Any]:  # Any: arrays of numbers
    return np.concatenate(parts) if parts else np.zeros(0)
