"""Training, from a CSV file to a saved model."""

from ml_service.training.errors import TRAINING_ERRORS, rebuild
from ml_service.training.results import TrainingResult
from ml_service.training.rules import Plan, check
from ml_service.training.runs import run, train
from ml_service.training.spec import TrainingSpec

__all__ = ["TRAINING_ERRORS", "Plan", "TrainingResult", "TrainingSpec", "check", "rebuild", "run", "train"]
