"""Predictors: trained models, loaded for requests."""

from ml_service.learning.predictors.artefacts import MAX_MODEL_BYTES, load, load_pipeline, read_report
from ml_service.learning.predictors.encoding import MOST_WARNINGS, FeatureWarning
from ml_service.learning.predictors.errors import PREDICTION_ERRORS, ArtefactRefused
from ml_service.learning.predictors.predictor import (
    DEFAULT_OPTIONS,
    MOST_CELLS,
    EncodedRows,
    PredictionOptions,
    Predictions,
    Predictor,
)

__all__ = [
    "DEFAULT_OPTIONS",
    "MAX_MODEL_BYTES",
    "MOST_CELLS",
    "MOST_WARNINGS",
    "PREDICTION_ERRORS",
    "ArtefactRefused",
    "EncodedRows",
    "FeatureWarning",
    "PredictionOptions",
    "Predictions",
    "Predictor",
    "load",
    "load_pipeline",
    "read_report",
]
