"""Commands in general: error messages, hints, exit codes, and nouns that list by default."""

import json
from collections.abc import Callable

import pytest
import typer
from tests.unit.client.samples import job
from typer.testing import CliRunner, Result

from farebox.command.app import app as whole_command
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson, ListByDefault
from farebox.errors import InvalidInput, JobNotSucceeded, NotEnoughTokens, NotFound
from farebox.results.jobs import Job


def invoke(perform: Callable[..., None], *words: str) -> Result:
    app = typer.Typer()
    app.command()(perform)
    return CliRunner().invoke(app, words)


def raising(error: BaseException) -> Callable[..., None]:
    @handle_errors
    def perform(as_json: AsJson = False) -> None:  # noqa: ARG001 - the decorator reads it
        raise error

    return perform


def test_error_is_a_message_on_standard_error() -> None:
    result = invoke(raising(InvalidInput("The amount must be at least 1.")))

    assert result.exit_code == 7
    assert result.stdout == ""
    assert result.stderr == "farebox: The amount must be at least 1.\n"


def test_hint_by_code_replaces_the_route_in_a_message() -> None:
    error = NotFound("You have no model of this name; GET /v1/models lists yours.", code="model_not_found")

    assert invoke(raising(error)).stderr == (
        "farebox: You have no model of this name. List your models with: farebox models list\n"
    )


def test_hint_by_code_of_a_failed_job() -> None:
    failed = Job.model_validate(job("failed", error={"code": "missing_labels", "detail": "8 rows."}))
    error = JobNotSucceeded("8 rows have no value in the label column.", members={"job": failed})

    assert "--drop-missing-labels" in invoke(raising(error)).stderr


def test_error_is_json_on_request() -> None:
    result = invoke(raising(NotEnoughTokens("This costs 5 tokens.", status=402)), "--json")

    assert json.loads(result.stderr)["error"] == {
        "code": "not_enough_tokens",
        "detail": "This costs 5 tokens.",
        "status": 402,
        "request_id": None,
    }


def test_bug_shows_no_traceback() -> None:
    result = invoke(raising(AttributeError("'x' has no 'y'")))

    assert result.exit_code == 1
    assert "bug" in result.stderr
    assert "Traceback" not in result.stderr


def test_bug_shows_traceback_in_debug_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAREBOX_DEBUG", "1")

    assert isinstance(invoke(raising(AttributeError("y"))).exception, AttributeError)


@pytest.mark.parametrize("options", [["--split", "time"], ["--split-column", "day"]])
def test_half_a_split_is_refused_before_the_upload(options: list[str]) -> None:
    result = CliRunner().invoke(whole_command, ["train", "no such file", "-l", "y", *options])

    assert "--split-column" in result.stderr
    assert "no such file" not in result.stderr


@pytest.mark.parametrize("command", ["jobs show", "datasets preview", "keys revoke", "admin disable"])
@pytest.mark.parametrize("typed", ["0", "07", " 7", "+7", "7_0", "7.0", "٧", "²"])
def test_another_writing_of_a_number_is_no_id(command: str, typed: str) -> None:
    result = CliRunner().invoke(whole_command, [*command.split(), typed])

    assert result.exit_code == 2
    assert "is not an id" in result.stderr


@pytest.mark.parametrize("typed", ["²", "٧"])
def test_digits_of_other_scripts_name_a_file_to_train_on(typed: str) -> None:
    result = CliRunner().invoke(whole_command, ["train", typed, "--label", "y"])

    assert f"no file {typed}" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("command", [["batch", "1_m", "rows.xlsx", "--yes"], ["jobs", "result", "3"]])
def test_result_of_a_batch_is_not_named_like_a_workbook(command: list[str]) -> None:
    result = CliRunner().invoke(whole_command, [*command, "--out", "out.XLSX"])

    assert result.exit_code == 7
    assert "name it out.csv" in result.stderr


def test_ctrl_c_has_its_own_exit_code() -> None:
    assert invoke(raising(KeyboardInterrupt())).exit_code == 130


def test_unreadable_file_is_named() -> None:
    result = invoke(raising(PermissionError(13, "Permission denied", "/secret")))

    assert result.exit_code == 7
    assert result.stderr == "farebox: /secret: Permission denied.\n"


@pytest.mark.parametrize("words", [[], ["--json"], ["list", "--json"], ["show"]])
def test_noun_without_verb_lists(words: list[str]) -> None:
    app = typer.Typer(cls=ListByDefault)

    @app.command("list")
    def list_all(as_json: AsJson = False) -> None:
        typer.echo(f"all {as_json}")

    @app.command()
    def show() -> None:
        typer.echo("one")

    result = CliRunner().invoke(app, words)

    assert result.stdout == ("one\n" if words == ["show"] else f"all {'--json' in words}\n")


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
    + [["admin", verb] for verb in ("users", "grant", "set-role", "set-price", "verify", "delete-user")],
)
def test_every_command_has_help(words: list[str]) -> None:
    result = CliRunner().invoke(whole_command, [*words, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_version_is_printed() -> None:
    assert CliRunner().invoke(whole_command, ["--version"]).stdout.startswith("farebox ")
