"""Licences of installed packages are allowed and listed."""

import subprocess
import sys
from pathlib import Path

import pytest
from scripts.licences import is_allowed

PROJECT = Path(__file__).parents[3]


@pytest.mark.slow
def test_each_locked_package_is_listed_with_an_allowed_licence() -> None:
    command = [sys.executable, "scripts/licences.py", "--check"]
    completed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert (completed.returncode, completed.stdout) == (0, "")


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND AGPL-3.0", "UNKNOWN", "LGPL-2.1"])
def test_restrictive_licence_is_refused(licence: str) -> None:
    assert not is_allowed(licence)
