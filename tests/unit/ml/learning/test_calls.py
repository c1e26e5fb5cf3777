"""Calls of functions as bytes: results, errors, and memory that is returned to the system."""

import psutil
import pyarrow as pa
import pytest

from ml_service.learning import calls

MEGABYTE = 10**6
PIECES = 200


def allocate_and_free() -> int:
    """Fill PIECES megabytes in Arrow's pool; returns the resident bytes while they are in use."""
    buffers = [pa.py_buffer(bytes(MEGABYTE)) for _ in range(PIECES)]
    copies = [pa.array([0]).take(pa.array([0] * (MEGABYTE // 8))) for _ in buffers]
    assert sum(copy.nbytes for copy in copies) > PIECES * MEGABYTE * 0.9
    return psutil.Process().memory_info().rss


def refuse(sentence: str) -> None:
    raise ValueError(sentence)


def test_call_returns_the_result_of_its_function() -> None:
    assert calls.run(calls.pack(divmod, 7, 2)) == (3, 1)


def test_function_without_a_module_can_be_called() -> None:
    factor = 3
    assert calls.run(calls.pack(lambda number: factor * number, 14)) == 42


def test_error_of_the_function_is_raised() -> None:
    with pytest.raises(ValueError, match="It must be a number"):
        calls.run(calls.pack(refuse, "It must be a number."))


@pytest.mark.slow
def test_memory_of_tables_is_returned_after_the_call() -> None:
    packed = calls.pack(allocate_and_free)
    used = calls.run(packed)
    assert psutil.Process().memory_info().rss < used - PIECES * MEGABYTE / 2
