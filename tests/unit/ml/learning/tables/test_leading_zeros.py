"""Leading zeros: found wherever a cell begins, also where two pieces of the scan meet, and nowhere else."""

import pytest

from ml_service.learning.tables.arrow import has_leading_zeros
from ml_service.learning.tables.records import SCANNED_BYTES

HEADER = b"a,b\n"


@pytest.mark.parametrize("place", range(-12, 4))
def test_zero_where_pieces_meet_is_found(place: int) -> None:
    before = HEADER + b"1" * (SCANNED_BYTES + place - len(HEADER)) + b","
    assert has_leading_zeros(before + b"007\n", ",")
    assert not has_leading_zeros(before + b"107\n", ",")


@pytest.mark.parametrize("delimiter", [*",;\t|/.- :", "5", "0"])
def test_zero_behind_any_delimiter_is_found(delimiter: str) -> None:
    assert has_leading_zeros(f"a{delimiter}b\n1{delimiter}007\n".encode(), delimiter)


@pytest.mark.parametrize(
    "cell", ["007", "00", "0x1F", "0X10", "-007", "+007", " 007", "\t01", '"007"', "- 07"]
)
def test_cell_with_a_leading_zero_is_found(cell: str) -> None:
    assert has_leading_zeros(f"a,b\n1,{cell}\n".encode(), ",")


@pytest.mark.parametrize("cell", ["0", "0.07", "10", "1.007", "2007", "1e007", "-0", "x007", "1-007", ""])
def test_other_cell_is_not(cell: str) -> None:
    assert not has_leading_zeros(f"a,b\n1,{cell}\n2,{cell}\n".encode(), ",")
