"""Join codes as they are typed, and aliases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.groups.rules import ALPHABET, new_alias, new_code, read_code, time_zone


def test_code_has_fifty_random_bits() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert set("".join(codes)) == {*ALPHABET, "-"}
    assert {len(code) for code in codes} == {11}


@pytest.mark.parametrize("spell", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code}\n"])
def test_code_is_read_as_people_type_it(spell: object) -> None:
    code = new_code()
    assert read_code(spell(code)) == code  # type: ignore[operator]


def test_letters_that_look_like_digits_are_digits() -> None:
    assert read_code("oOiIl-L0000") == "00111-10000"


@given(st.text())
def test_any_text_is_a_code_or_none(text: str) -> None:
    code = read_code(text)
    assert code is None or read_code(code) == code


def test_alias_is_new() -> None:
    taken = {f"member-{number}" for number in range(1000, 10_000)} - {"member-4711"}
    assert new_alias(taken) == "member-4711"


@pytest.mark.parametrize("name", ["", "Mars/Phobos", "/etc/passwd", "../UTC", "europe/berlin"])
def test_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        time_zone(name)
