"""The command at a terminal, with prompts."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, new_name
from tests.support.stack import PROJECT, Stack

from farebox import Farebox, FileTokenStore

TIMEOUT_SECONDS = 120
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program in a pseudo-terminal: the test reads its output and types input."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._program = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", "from farebox.command.app import main; main()", *words],
            cwd=PROJECT,
            env=os.environ | environment | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        self.shown = ""

    def wait_for(self, words: str) -> None:
        while words not in self.shown:
            assert self._read(), self.shown

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def end(self) -> int:
        """The exit code."""
        while self._read():
            pass
        return self._program.wait(timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        """False when the program has ended."""
        assert time.monotonic() < self._deadline, self.shown
        if not select.select([self._ours], [], [], 1)[0]:
            return True
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # Linux's error for a terminal without a program
            return False
        self.shown += COLOURS.sub("", piece.decode(errors="replace"))
        return bool(piece)


@pytest.fixture
def client(stack: Stack, tmp_path: Path) -> Iterator[Farebox]:
    """A new user, whose stored login the command uses."""
    with Farebox(stack.url, store=FileTokenStore(stack.url, tmp_path)) as client:
        client.sign_up(new_name(), PASSWORD)
        yield client


@pytest.fixture
def open_terminal(stack: Stack, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start the command at a terminal."""
    terminals: list[Terminal] = []

    def start(*words: str) -> Terminal:
        here = {"FAREBOX_URL": stack.url, "FAREBOX_CONFIG_DIR": str(tmp_path)}
        terminals.append(Terminal(list(words), here))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_train_shows_price_prompts_and_draws_progress(
    client: Farebox, open_terminal: Callable[..., Terminal]
) -> None:
    terminal = open_terminal("train", "data/penguins.csv", "--label", "species")
    terminal.wait_for("This costs 1 token. Go ahead?")
    assert client.wallet.balance().available == 15
    terminal.type("y")

    assert terminal.end() == 0, terminal.shown
    assert re.search(r"\d+%", terminal.shown)
    assert "accuracy" in terminal.shown
    assert client.wallet.balance().available == 14


@pytest.mark.parametrize("reply", ["n", ""])
def test_declined_confirmation_charges_nothing(
    client: Farebox, open_terminal: Callable[..., Terminal], reply: str
) -> None:
    terminal = open_terminal("train", str(PENGUINS), "--label", "species")
    terminal.wait_for("Go ahead?")
    terminal.type(reply)

    assert terminal.end() == 1
    assert list(client.models.list()) == []
    assert client.wallet.balance().available == 15


def test_password_is_prompted_without_echo(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("signup", new_name())
    terminal.wait_for("Choose a password:")
    terminal.type(PASSWORD)
    terminal.wait_for("Confirm password:")
    terminal.type(PASSWORD)

    assert terminal.end() == 0, terminal.shown
    assert "you are logged in" in terminal.shown
    assert PASSWORD not in terminal.shown
