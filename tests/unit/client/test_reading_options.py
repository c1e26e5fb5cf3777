"""Options of a reading on the command line, and the view of a dataset."""

import pytest
import typer
from tests.unit.client.test_readings import dataset
from typer.testing import CliRunner

from farebox.command.app import app
from farebox.command.dataset_view import show_dataset
from farebox.command.options import AsJson
from farebox.command.reading import read_columns, with_reading
from farebox.errors import InvalidArgument
from farebox.resources.datasets import ReadingSettings
from farebox.results.datasets import InspectedDataset

NUMBER = {"distinct": 2, "quantiles": None, "mean": None, "top_values": [], "histogram": None, "missing": 0}
TITER = {**NUMBER, "name": "titer 1", "kind": "text", "type": None, "whole": False, "needs_decision": True}
PRICE = {**NUMBER, "name": "price", "kind": "number", "type": "number", "whole": False}
NEEDS_DECISION = {
    "code": "needs_decision",
    "severity": "serious",
    "column": "titer 1",
    "detail": "'titer 1' consists of numbers, but 2 cells are none (lines 3, 7).",
    "advice": "Decide before training.",
}


def settings_of(*words: str) -> ReadingSettings:
    settings: list[ReadingSettings] = []
    command = typer.Typer()

    @command.command()
    @with_reading
    def read(reading: ReadingSettings, as_json: AsJson = False) -> None:  # noqa: ARG001 - as every command
        settings.append(reading)

    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return settings[0]


def test_options_that_are_not_given_set_nothing() -> None:
    assert settings_of() == {}


def test_every_setting_of_a_file_has_an_option() -> None:
    words = (
        "--encoding cp1252 --delimiter tab --quote none --decimal , --thousands . --no-header --skip-top 0"
    )
    more = "--skip-bottom 2 --sheet data --missing - --missing ? --no-trim --column zip=text --kinds day=date"
    settings = settings_of(*words.split(), *more.split())

    assert settings == {
        "encoding": "cp1252",
        "delimiter": "\t",
        "quote": "",
        "decimal": ",",
        "thousands": ".",
        "header": False,
        "skip_top": 0,
        "skip_bottom": 2,
        "sheet": "data",
        "missing": ["-", "?"],
        "trim": False,
        "columns": {"zip": {"type": "text"}, "day": {"type": "date"}},
    }
    assert set(settings) == ReadingSettings.__optional_keys__


@pytest.mark.parametrize("command", ["datasets add", "datasets correct", "train"])
def test_commands_that_read_files_have_the_options(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"}).stdout

    assert all(option in shown for option in ("--encoding", "--no-header", "--skip-top", "--column"))


@pytest.mark.parametrize(
    ("pair", "settings"),
    [
        ("zip=text", {"zip": {"type": "text"}}),
        ("a=b=whole", {"a=b": {"type": "whole"}}),
        ("a:b=omitted", {"a:b": {"type": "omitted"}}),
        ("t=time", {"t": {"type": "time"}}),
        ("day=date:%d.%m.%Y %H:%M", {"day": {"type": "date", "format": "%d.%m.%Y %H:%M"}}),
        ("p=number:1.234,5", {"p": {"type": "number", "decimal": ",", "thousands": "."}}),
        ("p=number:1234.5", {"p": {"type": "number", "decimal": ".", "thousands": ""}}),
        ("titer=missing", {"titer": {"exceptions": "missing"}}),
        ("titer=decide", {"titer": {"exceptions": "decide"}}),
    ],
)
def test_column_is_read_with_type_and_format(pair: str, settings: object) -> None:
    assert read_columns([pair]) == settings


def test_pairs_about_one_column_are_joined() -> None:
    assert read_columns(["x=number", "x=missing"]) == {"x": {"type": "number", "exceptions": "missing"}}


@pytest.mark.parametrize("pair", ["zip", "zip=", "=text", "zip=nonsense"])
def test_invalid_pair_is_refused_with_the_types(pair: str) -> None:
    with pytest.raises(InvalidArgument, match="number, whole, text, boolean, date, time, omitted"):
        read_columns([pair])


@pytest.mark.parametrize("pair", ["zip=text:x", "p=number:#,##0", "p=missing:1234.5"])
def test_format_of_another_type_is_refused_with_an_example(pair: str) -> None:
    with pytest.raises(InvalidArgument, match=r"date:%d\.%m\.%Y"):
        read_columns([pair])


def shown(capsys: pytest.CaptureFixture[str], **changes: object) -> tuple[str, str]:
    inspected = InspectedDataset.model_validate(dataset(**changes))
    show_dataset(inspected, inspected.findings, as_json=False)
    printed = capsys.readouterr()
    return printed.out, printed.err


def test_reading_shows_what_is_set_or_unusual(capsys: pytest.CaptureFixture[str]) -> None:
    reading = {
        "encoding": "cp1252",
        "delimiter": ";",
        "quote": '"',
        "header": False,
        "skip_top": 2,
        "skip_bottom": 0,
        "missing": ["-"],
        "columns": {"price": {"type": "number", "decimal": ",", "unit": "EUR"}, "id": {"type": "omitted"}},
    }
    corrections = {"encoding": "cp1252", "columns": {"price": {"type": "number"}, "id": {"type": "omitted"}}}
    out, _ = shown(capsys, reading=reading, corrections=corrections, columns=[PRICE])

    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert lines["reading"].split(maxsplit=1)[1] == (
        "encoding cp1252 (set), header no, skip top 2, missing '-'"
    )
    assert lines["left out"].split()[-1] == "id"
    assert "number, decimal comma, unit EUR, set" in lines["price"]


def test_obvious_reading_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    reading = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "header": True, "skip_top": 0}
    out, err = shown(capsys, reading=reading, corrections={}, columns=[PRICE])

    assert "reading" not in out
    assert err == ""


def test_sheets_of_a_workbook_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    reading = {"header": True, "skip_top": 0, "sheet": "Birds", "columns": {}}
    changes = {"format": "workbook", "sheets": ["Notes", "Birds"], "reading": reading, "corrections": {}}
    out, _ = shown(capsys, **changes, columns=[PRICE])

    facts = dict(
        line.split(maxsplit=1) for line in out.splitlines() if line.startswith(("sheets", "reading"))
    )
    assert {name: value.strip() for name, value in facts.items()} == {
        "sheets": "Notes, Birds",
        "reading": "sheet Birds",
    }


def test_column_to_decide_is_shown_with_three_commands(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, columns=[PRICE, TITER], findings=[NEEDS_DECISION])

    assert "needs a decision" in out
    assert "(lines 3, 7)" in out
    for word in ("missing", "text", "omitted"):
        assert f"farebox datasets correct 3 'titer 1={word}'" in err
