"""Predictions from trained models."""

from ml_service.learning.predictors.encoding import FeatureWarning
from ml_service.learning.predictors.errors import PREDICTION_ERRORS, ArtefactRefused
from ml_service.learning.predictors.loading import load, load_pipeline, read_report
from ml_service.learning.predictors.predictor import PLAIN, Asked, Predictions, Predictor

__all__ = [
    "PLAIN",
    "PREDICTION_ERRORS",
    "ArtefactRefused",
    "Asked",
    "FeatureWarning",
    "Predictions",
    "Predictor",
    "load",
    "load_pipeline",
    "read_report",
]
