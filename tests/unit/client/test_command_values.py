"""Values from the command line, exit codes, and clean output."""

import pytest

from farebox.command.errors import EXIT_CODES, MEANINGS, exit_code
from farebox.command.output import clean, number
from farebox.command.values import read_cells, read_pairs, read_value
from farebox.errors import (
    FareboxError,
    Forbidden,
    InvalidArgument,
    InvalidInput,
    NotEnoughTokens,
    NotFound,
    ServiceFault,
    Unavailable,
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
def test_numeric_text_is_read_as_number(typed: str, read: object) -> None:
    assert read_value(typed) == read
    assert type(read_value(typed)) is type(read)


def test_value_of_a_pair_may_contain_an_equals_sign() -> None:
    assert read_pairs(["note=a=b", "n=1"]) == {"note": "a=b", "n": 1}


@pytest.mark.parametrize("pair", ["", "name", "=value"])
def test_invalid_pair_is_refused_with_the_format(pair: str) -> None:
    with pytest.raises(InvalidArgument, match="NAME=VALUE"):
        read_pairs([pair])


def test_fraction_of_a_row_keeps_its_digits() -> None:
    cells = read_cells(["code=1.50", "n=1", "flag=true", "name="])

    assert {name: str(cell) for name, cell in cells.items()} == {
        "code": "1.50",
        "n": "1",
        "flag": "True",
        "name": "None",
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongCredentials("no"), 3),
        (NotEnoughTokens("no"), 4),
        (Unavailable("no"), 5),
        (ServiceFault("no"), 1),
        (NotFound("no"), 6),
        (InvalidInput("no"), 7),
        (Forbidden("no"), 8),
        (FareboxError("no"), 1),
    ],
)
def test_error_classes_have_different_exit_codes(error: FareboxError, code: int) -> None:
    assert exit_code(error) == code


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_CODES.values()) <= set(MEANINGS)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert (
        clean("\x1b[31mred\x07 \u202eтекст")
        == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}текст"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.80681, "0.8068"),
        (307534.2, "307,534"),
        (307534, "307,534"),
        (-1.269e-06, "0"),
        (62.14, "62.14"),
        (0, "0"),
    ],
)
def test_numbers_have_one_format(value: float, shown: str) -> None:
    assert number(value) == shown
