"""CI retries one or two failed tests; permanent failures fail the run."""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
FAILS_AT_FIRST = """
from pathlib import Path

def test_{name}():
    runs = Path(__file__).with_name("runs_{name}")
    earlier = len(runs.read_text()) if runs.exists() else 0
    runs.write_text("x" * (earlier + 1))
    assert earlier >= {failures}
"""

pytestmark = pytest.mark.slow


def run(folder: Path, *failures: int) -> subprocess.CompletedProcess[str]:
    """Run tests as CI does: one test for each number, which fails that many times before it passes."""
    for name, failure in enumerate(failures):
        (folder / f"test_{name}.py").write_text(FAILS_AT_FIRST.format(name=name, failures=failure))
    command = [PROJECT / ".ci" / "pytest", folder, "-q", "-c", PROJECT / "pyproject.toml"]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_passing_test_is_run_once(tmp_path: Path) -> None:
    ran = run(tmp_path, 0)
    assert (ran.returncode, "FLAKY" in ran.stdout) == (0, False)
    assert (tmp_path / "runs_0").read_text() == "x"


def test_test_that_failed_once_is_retried_three_times_and_reported(tmp_path: Path) -> None:
    ran = run(tmp_path, 1, 0, 1)
    assert ran.returncode == 0
    assert ran.stdout.count("FLAKY: ") == 2
    assert [len((tmp_path / f"runs_{number}").read_text()) for number in range(3)] == [4, 1, 4]


def test_test_that_fails_again_fails_the_run(tmp_path: Path) -> None:
    ran = run(tmp_path, 2)
    assert (ran.returncode, "FLAKY" in ran.stdout) == (1, False)


def test_three_failures_are_not_retried(tmp_path: Path) -> None:
    assert run(tmp_path, 1, 1, 1).returncode == 1
    assert (tmp_path / "runs_0").read_text() == "x"


def test_run_that_cannot_start_fails(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("import nothing_of_that_name")
    assert run(tmp_path, 0).returncode == 2
