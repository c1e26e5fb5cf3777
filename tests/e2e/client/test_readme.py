"""The examples in the client's README run as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.client.conftest import new_name
from tests.support.stack import PROJECT, Stack

from farebox import Farebox
from farebox.command.errors import MEANINGS

README = (PROJECT / "client" / "README.md").read_text()


def blocks(language: str, name: str) -> list[str]:
    examples = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return [example.replace("ada@example.org", name) for example in examples]


def test_readme_examples_run(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAREBOX_URL", stack.url)
    monkeypatch.setenv("FAREBOX_CONFIG_DIR", str(tmp_path))
    monkeypatch.chdir(PROJECT)
    name = new_name()
    shared: dict[str, object] = {}

    for example in blocks("python", name):
        exec(compile(example, "README.md", "exec"), shared)  # noqa: S102 - our own README

    assert "tokens are missing" not in capsys.readouterr().out
    completed = subprocess.run(  # noqa: S603 - our own README
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks("bash", name))],  # noqa: S607 - found on the PATH, as by a reader
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert "_penguins" in completed.stdout
    with Farebox() as client:
        assert client.is_logged_in


def test_readme_lists_every_exit_code() -> None:
    assert dict(re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)) == {
        str(code): meaning for code, meaning in MEANINGS.items()
    }
