"""docs/openapi.json equals the description that the services generate."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.slow
def test_openapi_document_is_up_to_date() -> None:
    command = [sys.executable, "scripts/openapi.py", "--check"]
    completed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert (completed.returncode, completed.stderr) == (0, "")
