"""Fixtures: one core for trainings, as on a worker, and a record of what was flushed to the disk."""

import os
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The inodes of the files and folders that were flushed to the disk during the test."""
    inodes: set[int] = set()
    flush = os.fsync

    def record(descriptor: int) -> None:
        flush(descriptor)
        inodes.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", record)
    return inodes
