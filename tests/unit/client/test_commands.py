"""The command's own machinery: options from dataclasses, sentences for errors, bare groups that list."""

import json
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner, Result

from farebox.command.app import app as whole_command
from farebox.command.groups import make_group
from farebox.command.options import Shared
from farebox.command.spreading import command
from farebox.errors import NotEnoughTokens


@dataclass(frozen=True, kw_only=True)
class Choices(Shared):
    size: Annotated[int, typer.Option(help="How big.")] = 3


def invoke(perform: object, *words: str) -> Result:
    app = typer.Typer()
    app.command()(perform)  # pyright: ignore[reportArgumentType] - a command
    return CliRunner().invoke(app, words)


def raising(error: Exception) -> object:
    @command
    def perform(_shared: Shared) -> None:
        raise error

    return perform


def test_each_field_of_a_dataclass_is_an_option() -> None:
    @command
    def perform(name: str, choices: Choices) -> None:
        typer.echo(f"{name} {choices.size} {choices.as_json}")

    assert invoke(perform, "ada", "--size", "7", "--json").stdout == "ada 7 True\n"
    assert invoke(perform, "ada").stdout == "ada 3 False\n"
    assert "How big." in invoke(perform, "--help").stdout


def test_an_error_is_a_sentence_on_standard_error() -> None:
    done = invoke(raising(NotEnoughTokens("This costs 5 tokens.")))

    assert done.exit_code == 4
    assert done.stdout == ""
    assert done.stderr == "farebox: This costs 5 tokens.\n"


def test_an_error_can_be_read_as_json() -> None:
    done = invoke(raising(NotEnoughTokens("This costs 5 tokens.", status=402)), "--json")

    assert json.loads(done.stderr)["error"] == {
        "code": "not_enough_tokens",
        "detail": "This costs 5 tokens.",
        "status": 402,
        "request_id": None,
    }


def test_even_a_bug_shows_no_traceback() -> None:
    done = invoke(raising(AttributeError("'x' has no 'y'")))

    assert done.exit_code == 1
    assert "bug" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_can_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAREBOX_DEBUG", "1")

    assert isinstance(invoke(raising(AttributeError("y"))).exception, AttributeError)


def test_ctrl_c_ends_with_its_own_code() -> None:
    @command
    def perform(_shared: Shared) -> None:
        raise KeyboardInterrupt

    assert invoke(perform).exit_code == 130


def test_a_file_that_cannot_be_read_is_named() -> None:
    done = invoke(raising(PermissionError(13, "Permission denied", "/secret")))

    assert done.exit_code == 7
    assert done.stderr == "farebox: /secret: Permission denied.\n"


@pytest.mark.parametrize("words", [[], ["--json"], ["list", "--json"], ["show"]])
def test_a_bare_group_lists(words: list[str]) -> None:
    @command
    def show_all(shared: Shared) -> None:
        typer.echo(f"all {shared.as_json}")

    @command
    def show(_shared: Shared) -> None:
        typer.echo("one")

    done = CliRunner().invoke(make_group("Things.", show_all, show), words)

    assert done.stdout == ("one\n" if words == ["show"] else f"all {'--json' in words}\n")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["train"],
        ["predict"],
        ["datasets", "add"],
        ["models", "show"],
        ["jobs", "follow"],
        ["keys", "create"],
    ]
    + [["admin", each] for each in ("users", "grant", "set-role", "set-price", "verify", "delete-user")],
)
def test_every_command_explains_itself(words: list[str]) -> None:
    done = CliRunner().invoke(whole_command, [*words, "--help"])

    assert done.exit_code == 0
    assert "Usage:" in done.stdout
