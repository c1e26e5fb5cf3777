"""Ids and numbers in addresses and headers: the decimal number and nothing else."""

import pytest
from pydantic import TypeAdapter, ValidationError

from kit.fields import LARGEST_ID, NotNegative, WholeNumber, check_decimal_id


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


@pytest.mark.parametrize("text", ["0", "5", str(LARGEST_ID)])
def test_number_from_zero_is_read(text: str) -> None:
    assert TypeAdapter(NotNegative).validate_python(text) == int(text)


@pytest.mark.parametrize("text", ["", "05", "00", "-0", "+5", " 5", "5.0", "1_0", "٥", str(LARGEST_ID + 1)])
def test_another_writing_is_no_number_from_zero(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(NotNegative).validate_python(text)


@pytest.mark.parametrize("text", ["0", "5", "-5", "1000000000"])
def test_whole_number_in_a_query_is_read(text: str) -> None:
    assert TypeAdapter(WholeNumber).validate_python(text) == int(text)


@pytest.mark.parametrize(
    "text", ["", "+5", " 5", "5\n", "5.0", "1_0", "1e1", "٥", "７", "--5", "-", "05", "-0"]
)
def test_another_writing_is_no_number_in_a_query(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(WholeNumber).validate_python(text)
