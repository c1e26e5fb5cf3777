"""Conversion of a pipeline to ONNX, refused unless the converted model predicts the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from onnx.reference import ReferenceEvaluator
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

LARGEST_CONVERTED_BYTES = 20 * 1024 * 1024
ONNX_TOLERANCE = 1e-4  # ONNX calculates in single precision


class ConversionRefused(Exception):
    """The reason for a bundle without ONNX, which its manifest names."""


def to_onnx(
    pipeline: Any, kinds: Mapping[str, str], rows: pd.DataFrame, size: int
) -> bytes:  # Any: a scikit-learn pipeline
    """Convert to ONNX; raises ConversionRefused, also if ONNX predicts these rows differently."""
    if "date" in kinds.values():
        raise ConversionRefused("ONNX has no step for the parts of dates.")
    if size > LARGEST_CONVERTED_BYTES:
        raise ConversionRefused("The model is too large to be converted in reasonable time.")
    model = _convert(pipeline, kinds)
    try:
        outputs = list(ReferenceEvaluator(model).run(None, _inputs(rows, kinds)))
        same = _predicts_the_same(pipeline, rows, outputs)
    except Exception as error:
        # After any error of the evaluator the converted model is unusable.
        raise ConversionRefused("The converted model could not be evaluated.") from error
    if not same:
        raise ConversionRefused("ONNX calculates in single precision and predicts some rows differently.")
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
        # The converter raises errors of many types for unsupported models.
        raise ConversionRefused("The converter does not know this type of model.") from error


def _inputs(rows: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, npt.NDArray[Any]]:  # Any: two types
    return {
        name: rows[[name]].to_numpy(np.float32)
        if kind == "number"
        else rows[[name]].fillna("").astype(str).to_numpy(object)
        for name, kind in kinds.items()
    }


def _predicts_the_same(pipeline: Any, rows: pd.DataFrame, outputs: list[Any]) -> bool:  # Any: as above
    expected = pipeline.predict(rows)
    if not hasattr(pipeline, "classes_"):
        tolerance = ONNX_TOLERANCE * float(np.abs(expected).max())
        return np.allclose(np.ravel(outputs[0]), expected, rtol=ONNX_TOLERANCE, atol=tolerance)
    labels_agree = np.ravel(outputs[0]).tolist() == expected.tolist()
    return labels_agree and np.allclose(outputs[1], pipeline.predict_proba(rows), atol=ONNX_TOLERANCE)
