"""Trainings in unit tests use one core, as on a worker."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    with threadpool_limits(1):
        yield
