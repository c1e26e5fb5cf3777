"""Training: from a table's file to a stored model.

`pipeline.train` is not exported here: it imports scikit-learn, which workers alone need.
"""

from ml_service.learning.training.errors import TRAINING_ERRORS
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import TrainingSpec

__all__ = ["TRAINING_ERRORS", "Plan", "TrainingSpec", "check"]
