"""Trees in treelite's form, as an array and back.

Both by way of a file: from bytes to bytes treelite copies them several times over, for which a forest of
hundreds of megabytes leaves a worker no room.
"""

from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt
import treelite

Packed = npt.NDArray[np.uint8]


def pack(estimator: Any) -> Packed:  # Any: a fitted tree model of scikit-learn
    with NamedTemporaryFile() as file:
        treelite.sklearn.import_model(estimator).serialize(file.name)
        return np.fromfile(file.name, np.uint8)


def unpack(packed: Packed) -> treelite.Model:
    with NamedTemporaryFile() as file:
        packed.tofile(file.name)
        return treelite.Model.deserialize(file.name)
