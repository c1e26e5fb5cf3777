"""A pipeline as ONNX, where that says the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from onnx.reference import ReferenceEvaluator
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

LARGEST_PIPELINE = 20 * 1024 * 1024
SAME = 1e-4  # ONNX calculates in single precision


class NotAsOnnx(Exception):
    """Why a model has no ONNX form; told in the manifest."""


def to_onnx(
    pipeline: Any, kinds: Mapping[str, str], rows: pd.DataFrame, size: int
) -> bytes:  # Any: a scikit-learn pipeline
    """Raises NotAsOnnx, also where these rows would be predicted otherwise than by the pipeline."""
    if "date" in kinds.values():
        raise NotAsOnnx("ONNX has no step for the parts of dates.")
    if size > LARGEST_PIPELINE:
        raise NotAsOnnx("The model is too large to be converted in reasonable time.")
    model = _convert(pipeline, kinds)
    try:
        said = list(ReferenceEvaluator(model).run(None, _inputs(rows, kinds)))
        same = _says_the_same(pipeline, rows, said)
    except Exception as error:
        # Whatever its evaluator stumbles over, a form that does not run is of no use.
        raise NotAsOnnx("The converted model could not be evaluated.") from error
    if not same:
        raise NotAsOnnx("In single precision, which ONNX calculates in, some rows are predicted otherwise.")
    return bytes(model.SerializeToString())


def _convert(pipeline: Any, kinds: Mapping[str, str]) -> Any:  # Any: scikit-learn's and ONNX's types
    types = [
        (name, (FloatTensorType if kind == "number" else StringTensorType)([None, 1]))
        for name, kind in kinds.items()
    ]
    estimator = pipeline.steps[-1][1]
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    try:
        return convert_sklearn(pipeline, initial_types=types, options=options)
    except Exception as error:
        # The converter raises errors of every kind for what it does not know.
        raise NotAsOnnx("The converter does not know this type of model.") from error


def _inputs(rows: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, npt.NDArray[Any]]:  # Any: two types
    return {
        name: rows[[name]].to_numpy(np.float32)
        if kind == "number"
        else rows[[name]].fillna("").astype(str).to_numpy(object)
        for name, kind in kinds.items()
    }


def _says_the_same(pipeline: Any, rows: pd.DataFrame, said: list[Any]) -> bool:  # Any: as above
    expected = pipeline.predict(rows)
    if not hasattr(pipeline, "classes_"):
        return np.allclose(np.ravel(said[0]), expected, rtol=SAME, atol=SAME * float(np.abs(expected).max()))
    labels_agree = np.ravel(said[0]).tolist() == expected.tolist()
    return labels_agree and np.allclose(said[1], pipeline.predict_proba(rows), atol=SAME)
