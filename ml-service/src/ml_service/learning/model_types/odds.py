"""Probabilities from decisions."""

import numpy as np

from ml_service.learning.model_types.protocol import Matrix


def shares_of(decisions: Matrix) -> Matrix:
    """The softmax of each row, for one decision of each class or a single one of two classes."""
    if decisions.shape[1] == 1:
        # A zero for the first class makes the one decision a softmax of two.
        decisions = np.hstack([np.zeros_like(decisions), decisions])
    odds = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
