"""Predictors: trained models, loaded for requests."""

from ml_service.learning.predictors.artefacts import load, load_pipeline, read_report
from ml_service.learning.predictors.encoding import FeatureWarning
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
    "MOST_CELLS",
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
