"""Scores of compiled trees, by treelite's library without its Python wrapper.

The wrapper parses its configuration and determines the shape of the output in each call: of 42 microseconds
for one row and a forest of 100 trees, the trees take 13.
"""

import ctypes
from typing import Any

import numpy as np
import treelite
from treelite import core
from treelite.gtil.gtil import GTILConfig

from ml_service.learning.model_types.compilation import Packed, unpack_trees
from ml_service.learning.model_types.protocol import Matrix

# treelite imports the trees of scikit-learn in double precision.
PRECISION = b"float64"
# The functions that the wrapper calls; compared with it by tests.
_LIBRARY: Any = core._LIB  # pyright: ignore[reportPrivateUsage]
_check_call: Any = core._check_call  # pyright: ignore[reportPrivateUsage]


class TreeScorer:
    """Scores each row with compiled trees; with `margins` without the model's last function."""

    def __init__(self, packed: Packed, *, margins: bool = False) -> None:
        self._trees = unpack_trees(packed)
        self._config = GTILConfig(nthread=1, predict_type="raw" if margins else "default")
        self._columns: int = self._trees.num_feature
        example = np.zeros((1, self._columns))
        # The shape of a row's output, which is equal for all rows: targets by classes.
        self._width = treelite.gtil.predict(self._trees, example, nthread=1, pred_margin=margins).size

    def __call__(self, rows: Matrix) -> Matrix:
        """One row of outputs for each row."""
        if rows.shape[1] != self._columns:
            raise ValueError(f"{rows.shape[1]} columns instead of {self._columns}")
        rows = np.ascontiguousarray(rows, np.float64)
        outputs = np.zeros((len(rows), self._width))
        _check_call(
            _LIBRARY.TreeliteGTILPredict(
                self._trees.handle,
                ctypes.c_void_p(rows.ctypes.data),
                PRECISION,
                ctypes.c_uint64(len(rows)),
                ctypes.c_void_p(outputs.ctypes.data),
                self._config.handle,
            )
        )
        return outputs
