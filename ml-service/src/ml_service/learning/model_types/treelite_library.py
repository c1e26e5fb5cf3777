"""Functions of treelite's library, called without its Python wrappers; tests compare them with these.

- To predict, the wrapper parses its configuration and determines the shape of the output in each call: of 42
  microseconds for one row and a forest of 100 trees, the trees take 13.
- To set a field, the wrapper takes a reference to the array and never returns it.
"""

import ctypes
from typing import Any

import treelite
from treelite import core

from ml_service.learning.model_types.protocol import Array, Matrix

# treelite imports the trees of scikit-learn in double precision.
PRECISION = b"float64"
_LIBRARY: Any = core._LIB  # pyright: ignore[reportPrivateUsage]
_check_call: Any = core._check_call  # pyright: ignore[reportPrivateUsage]


class _Buffer(ctypes.Structure):
    """`TreelitePyBufferFrame` of its C API."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("format", ctypes.c_char_p),
        ("itemsize", ctypes.c_size_t),
        ("nitem", ctypes.c_size_t),
    )


def set_field(trees: treelite.Model, number: int, name: str, values: Array) -> None:
    """Let the field of a tree refer to the array, which has to exist as long as the model."""
    if values.ndim != 1 or not values.flags.c_contiguous:
        raise ValueError(f"{name} is no contiguous array")
    buffer = _Buffer(values.ctypes.data, values.data.format.encode(), values.itemsize, len(values))
    _check_call(_LIBRARY.TreeliteSetTreeField(trees.handle, ctypes.c_uint64(number), name.encode(), buffer))


def predict(trees: treelite.Model, config: Any, rows: Matrix, outputs: Matrix) -> None:  # Any: a GTILConfig
    """Write the output of each row; both arrays are contiguous, and have the model's numbers of columns."""
    _check_call(
        _LIBRARY.TreeliteGTILPredict(
            trees.handle,
            ctypes.c_void_p(rows.ctypes.data),
            PRECISION,
            ctypes.c_uint64(len(rows)),
            ctypes.c_void_p(outputs.ctypes.data),
            config.handle,
        )
    )
