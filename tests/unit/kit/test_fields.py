"""Ids in paths: the decimal number and nothing else."""

import pytest

from kit.fields import LARGEST_ID, check_decimal_id


@pytest.mark.parametrize("text", ["1", "42", str(LARGEST_ID)])
def test_decimal_number_is_an_id(text: str) -> None:
    assert check_decimal_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "07",
        "+7",
        "-7",
        " 7",
        "7 ",
        "7\n",
        "7.0",
        "7e0",
        "0x7",
        "7_0",
        "٧",
        "７",
        str(LARGEST_ID + 1),
        "7" * 5000,
    ],
)
def test_another_writing_of_a_number_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        check_decimal_id(text)
