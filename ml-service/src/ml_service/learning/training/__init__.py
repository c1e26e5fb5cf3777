"""Training: from a table's file to a stored model."""

from ml_service.learning.training.errors import TRAINING_ERRORS
from ml_service.learning.training.pipeline import train
from ml_service.learning.training.results import TrainingResult
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import TrainingSpec

__all__ = ["TRAINING_ERRORS", "Plan", "TrainingResult", "TrainingSpec", "check", "train"]
