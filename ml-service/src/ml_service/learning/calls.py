"""Calls of functions as bytes, which only the worker unpickles.

The scheduler unpickles every task to find its dependencies. It would import the function's module, and so the
learning code: 158 MB instead of 45.
"""

import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle

Function = Callable[..., Any]  # Any: arguments and result are known to the task and its caller


def pack(function: Function, *arguments: object) -> bytes:
    # As Dask does, so that functions of a script or a test can be sent, too.
    return cloudpickle.dumps((function, arguments))


def run(packed: bytes) -> Any:  # Any: as above
    function, arguments = pickle.loads(packed)  # noqa: S301 - from ml-service, as every task of the cluster
    try:
        return function(*arguments)
    finally:
        _release_memory()


def _release_memory() -> None:
    """Return to the system what Arrow keeps for its next allocation: 80 MB after a table of 46 MB."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
