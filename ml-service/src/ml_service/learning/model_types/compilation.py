"""Compilation shared by model types: serialization of trees with treelite, and the softmax.

Trees are serialized through a file: in memory, treelite makes several copies, too many for a worker with a
forest of hundreds of megabytes.
"""

from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import Matrix

if TYPE_CHECKING:
    import treelite

Packed = npt.NDArray[np.uint8]


def pack_trees(estimator: Any) -> Packed:  # Any: a fitted tree model of scikit-learn
    import treelite

    with NamedTemporaryFile() as file:
        treelite.sklearn.import_model(estimator).serialize(file.name)
        return np.fromfile(file.name, np.uint8)


def unpack_trees(packed: Packed) -> "treelite.Model":
    import treelite

    with NamedTemporaryFile() as file:
        packed.tofile(file.name)
        return treelite.Model.deserialize(file.name)


def softmax(decisions: Matrix) -> Matrix:
    """Softmax of the decision values of each row: one for each class, or a single one for two classes."""
    if decisions.shape[1] == 1:
        # The first of two classes has a decision value of 0.
        decisions = np.hstack([np.zeros_like(decisions), decisions])
    exponentials = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
