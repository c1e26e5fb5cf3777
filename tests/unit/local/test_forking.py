"""Forked programs: which ones are forked, the packages that they share, and their exit statuses."""

import signal
import sys
from pathlib import Path

import pytest

from local import forking
from local.forking import SHARED, SIGNALS, is_python, run_module

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module named `program`, to be written."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    return tmp_path / "program.py"


@pytest.mark.parametrize(
    ("command", "forked"),
    [
        ([sys.executable, "-P", "-m", "gateway"], True),
        ([sys.executable, "-P", "-m", "dask", "scheduler", "--port", "8786"], True),
        (["/opt/postgres", "-D", "data"], False),
        ([sys.executable, "script.py"], False),
    ],
)
def test_modules_are_forked_and_other_programs_executed(command: list[str], forked: bool) -> None:
    assert is_python(command) is forked


def test_shared_packages_contain_none_of_ours() -> None:
    ours = {path.name for path in PROJECT.glob("*/src/*")}
    assert "kit" in ours
    assert not {name.partition(".")[0] for name in SHARED} & ours


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('JWT_SECRET is not set.')", 1),
        ("raise ValueError('a bug')", 1),
        ("import sys; assert __name__ == '__main__' and sys.argv[1:] == ['--port', '8786']", 0),
    ],
)
def test_exit_status_is_that_of_the_interpreter(module: Path, source: str, status: int) -> None:
    module.write_text(source)
    assert run_module("program", ["--port", "8786"]) == status


def test_message_of_an_exit_goes_to_standard_error(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module.write_text("import sys; sys.exit('JWT_SECRET is not set.')")
    run_module("program", [])
    assert capsys.readouterr().err == "JWT_SECRET is not set.\n"


def test_every_signal_that_supervisor_handles_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: set[int] = set()
    monkeypatch.setattr(signal, "signal", lambda number, _handler: handled.add(number))
    forking.ForkingOptions().setsignals()
    assert handled == set(SIGNALS)
