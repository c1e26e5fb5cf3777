"""What people type and what they read at the terminal."""

from pathlib import Path

import pytest

from farebox.command.errors import CODES, MEANINGS, exit_code
from farebox.command.output import clean
from farebox.command.values import read_pairs, read_rows, read_value
from farebox.errors import (
    CsvTooFewFields,
    FareboxError,
    ModelNotFound,
    NotEnoughTokens,
    UnusableInput,
    UpstreamDown,
    WrongCredentials,
)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("39.1", 39.1),
        ("181", 181),
        ("-1e3", -1000.0),
        ("true", True),
        ("", None),
        ("null", None),
        ("Dream", "Dream"),
        ("007", "007"),
        ('"181"', "181"),
        ("[1]", "[1]"),
        ("NaN", "NaN"),
        ("a=b", "a=b"),
    ],
)
def test_a_value_is_a_number_if_it_reads_as_one(typed: str, read: object) -> None:
    assert read_value(typed) == read
    assert type(read_value(typed)) is type(read)


def test_pairs_may_have_equal_signs_in_their_values() -> None:
    assert read_pairs(["note=a=b", "n=1"]) == {"note": "a=b", "n": 1}


@pytest.mark.parametrize("pair", ["", "name", "=value"])
def test_what_is_no_pair_is_shown_how_to_be_one(pair: str) -> None:
    with pytest.raises(UnusableInput, match="NAME=VALUE"):
        read_pairs([pair])


def test_rows_are_read_with_their_header(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffisland,mass\nDream,3750\nBiscoe,\n", encoding="utf-8")

    assert read_rows(path) == [{"island": "Dream", "mass": 3750}, {"island": "Biscoe", "mass": None}]


@pytest.mark.parametrize("line", ["Dream", "Dream,1,2"])
def test_a_row_that_does_not_fit_its_header_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"island,mass\nBiscoe,1\n{line}\n")

    with pytest.raises(UnusableInput, match="line 3"):
        read_rows(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n\xff\xfe,1\n")

    with pytest.raises(UnusableInput, match="UTF-8"):
        read_rows(path)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongCredentials("no"), 3),
        (NotEnoughTokens("no"), 4),
        (UpstreamDown("no"), 5),
        (ModelNotFound("no"), 6),
        (CsvTooFewFields("no"), 7),
        (FareboxError("no"), 1),
    ],
)
def test_scripts_can_tell_errors_apart(error: FareboxError, code: int) -> None:
    assert exit_code(error) == code


def test_every_exit_code_is_explained() -> None:
    assert set(CODES.values()) <= set(MEANINGS)


def test_somebodys_data_cannot_steer_the_terminal() -> None:
    assert (
        clean("\x1b[31mred\x07 \u202eтекст")
        == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}текст"
    )
