"""The examples in the client's README and in the guide to readings run as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.client.conftest import PASSWORD, new_name
from tests.support.stack import PROJECT, Stack

from farebox import Farebox
from farebox.command.errors import MEANINGS

README = (PROJECT / "client" / "README.md").read_text()
READINGS = (PROJECT / "docs" / "readings.md").read_text()
BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)

# Texts in the output of the guide's examples, in order of occurrence.
READINGS_SHOWN = (
    *("needs a decision", "whole", "1 cell is none (line 2)", '"needs_decision":true', "column_1"),
    *("column_1", "year", '"island"', "needs_decision", "json", "logistic", "344 0 0", "prediction"),
    *("species;island", "Adelie"),
)


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
    shown = run_in_bash("\n".join(blocks("bash", name)))
    assert "_penguins" in shown
    with Farebox() as client:
        assert client.is_logged_in


def test_examples_of_readings_run(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAREBOX_URL", stack.url)
    monkeypatch.setenv("FAREBOX_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(PROJECT / "data")
    with Farebox() as client:
        client.sign_up(new_name(), PASSWORD)
        client.wallet.buy(20, credit_card="1234-5678-9999-0000")
        key = client.api_keys.create("curl").api_key
    monkeypatch.setenv("FAREBOX", stack.url)
    monkeypatch.setenv("AUTH", f"Authorization: Bearer {key}")
    shared: dict[str, object] = {}

    for language, example in BLOCK.findall(READINGS):
        if language == "python":
            exec(compile(example, "readings.md", "exec"), shared)  # noqa: S102 - our own guide
        else:
            sys.stdout.write(run_in_bash(example))

    shown = capsys.readouterr().out
    rest = shown
    for text in READINGS_SHOWN:
        assert text in rest, (text, shown)
        rest = rest.partition(text)[2]


def run_in_bash(script: str) -> str:
    completed = subprocess.run(  # noqa: S603 - our own examples
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - found on the PATH, as by a reader
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_readme_lists_every_exit_code() -> None:
    assert dict(re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)) == {
        str(code): meaning for code, meaning in MEANINGS.items()
    }
