"""Fault points: off unless the environment names one, and then they strike once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

CODE = (
    "from kit.fault_points import fault_point; fault_point('first'); fault_point('second'); print('passed')"
)


def run(**environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", CODE]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command


def test_process_passes_every_point_without_the_variable() -> None:
    completed = run()
    assert (completed.returncode, completed.stdout) == (0, "passed\n")


def test_process_dies_once_at_the_named_point(tmp_path: Path) -> None:
    file = tmp_path / "once"
    file.touch()
    armed = {"FAREBOX_FAULT_POINT": f"second:kill:{file}"}
    completed = run(**armed)
    assert (completed.returncode, completed.stdout) == (-signal.SIGKILL, "")
    assert not file.exists()
    assert run(**armed).stdout == "passed\n"


def test_process_passes_points_of_other_names(tmp_path: Path) -> None:
    file = tmp_path / "once"
    file.touch()
    assert run(FAREBOX_FAULT_POINT=f"third:kill:{file}").stdout == "passed\n"
