"""The server of every service."""

import resource
from collections.abc import Iterator

import pytest

from kit.app import MOST_DESCRIPTORS, allow_many_connections


@pytest.fixture
def low_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_service_may_have_more_connections_than_the_soft_limit(low_limit: int) -> None:
    allow_many_connections()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert low_limit < soft <= (hard if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS)
