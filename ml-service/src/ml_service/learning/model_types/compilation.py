"""Compilation that several model types share: trees in treelite's form, and the softmax.

Trees become an array and back by way of a file: from bytes to bytes treelite copies them several times over,
for which a forest of hundreds of megabytes leaves a worker no room.
"""

from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt
import treelite

from ml_service.learning.model_types.protocol import Matrix

Packed = npt.NDArray[np.uint8]


def pack_trees(estimator: Any) -> Packed:  # Any: a fitted tree model of scikit-learn
    with NamedTemporaryFile() as file:
        treelite.sklearn.import_model(estimator).serialize(file.name)
        return np.fromfile(file.name, np.uint8)


def unpack_trees(packed: Packed) -> treelite.Model:
    with NamedTemporaryFile() as file:
        packed.tofile(file.name)
        return treelite.Model.deserialize(file.name)


def softmax(decisions: Matrix) -> Matrix:
    """The softmax of each row, which has a decision for each class or a single one for two classes."""
    if decisions.shape[1] == 1:
        # A zero for the first class makes the one decision a softmax of two.
        decisions = np.hstack([np.zeros_like(decisions), decisions])
    exponentials = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
