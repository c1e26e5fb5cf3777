"""The command's surface: commands, options, JSON output and shell completion."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from farebox.command.app import app

DOCUMENTED = {
    *("signup", "login", "whoami", "balance", "ledger", "datasets", "train", "models", "predict", "batch"),
    *("report", "export", "keys", "admin", "jobs", "doctor"),
}
Commands = Iterator[tuple[tuple[str, ...], set[str]]]


def walk(command: Any, path: tuple[str, ...] = ()) -> Commands:  # Any: Typer does not export its types
    """Each command without subcommands, and its options."""
    if isinstance(command, TyperGroup):
        for name, subcommand in command.commands.items():
            yield from walk(subcommand, (*path, name))
    else:
        yield path, {option for param in command.params for option in param.opts}


COMMANDS = dict(walk(typer.main.get_command(app)))


def complete(shell: str, words: str) -> list[str]:
    """The completions for Tab after these words."""
    environment = {
        "_FAREBOX_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    environment |= {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return CliRunner().invoke(app, env=environment, prog_name="farebox").stdout.split()


def test_every_documented_command_exists() -> None:
    assert {path[0] for path in COMMANDS} >= DOCUMENTED


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_can_print_json(path: tuple[str, ...]) -> None:
    assert "--json" in COMMANDS[path]


@pytest.mark.parametrize(
    "path",
    [("train",), ("predict",), ("batch",), ("buy",), ("models", "delete"), ("admin", "delete-user")],
    ids=" ".join,
)
def test_command_that_charges_or_deletes_has_yes_option(path: tuple[str, ...]) -> None:
    assert {"--yes", "-y"} <= COMMANDS[path]


def test_password_change_can_revoke_api_keys() -> None:
    assert "--revoke-api-keys" in COMMANDS["password",]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    assert "datasets" in " ".join(complete(shell, "farebox da"))


def test_shells_complete_subcommands() -> None:
    assert complete("bash", "farebox admin ver") == ["verify"]
