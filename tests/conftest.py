"""Fixtures of all tests, and no network for unit tests."""

import gc
import os
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ["tests.support.postgres", "tests.support.stack"]
UNIT = Path(__file__).parent / "unit"
# These need an engine for containers; `make compose-test` names the command that reaches it.
collect_ignore = [] if "COMPOSE" in os.environ else ["compose"]
# Beside a traceback, structlog shows every local variable by default, which takes it seconds.
structlog.configure([structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
# How long an example takes is the machine's affair; the same ones are tried each time.
settings.register_profile("ours", deadline=None, derandomize=True)
settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if UNIT in item.path.parents:
            item.add_marker(pytest.mark.disable_socket)


def pytest_collection_finish() -> None:
    """All that was imported stays; looking through it again and again would stop a test for half a second."""
    gc.collect()
    gc.freeze()
