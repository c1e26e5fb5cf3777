"""Training: from a table's file to a stored model.

`pipeline.train` is not exported here: it imports scikit-learn, which workers alone need.
"""

from ml_service.learning.training.errors import TRAINING_ERRORS
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import RANDOM, SplitMethod, TrainingSpec

__all__ = ["RANDOM", "TRAINING_ERRORS", "Plan", "SplitMethod", "TrainingSpec", "check"]
