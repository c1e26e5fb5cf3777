"""Rosters as files: what is read, what is refused, and that an export is read back."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.rosters.files import (
    EXPORTED,
    Seat,
    UnreadableRoster,
    compare,
    read_roster,
    version_of,
    write_roster,
)

CELLS = (
    st.text(st.characters(exclude_categories=["C"]), max_size=20)
    .map(str.strip)
    # Such an apostrophe is that of an export.
    .filter(lambda text: not text.startswith("'"))
)
SEATS = st.builds(
    Seat,
    external_id=CELLS.filter(bool),
    name=CELLS.filter(bool),
    account=st.none() | st.from_regex(r"[a-z]{1,10}", fullmatch=True),
    role=st.sampled_from(["member", "assistant"]),
    section=CELLS,
)


def export(seats: list[Seat]) -> bytes:
    rows = [
        (seat.external_id, seat.account or "", seat.name, seat.role, seat.section, "", "no") for seat in seats
    ]
    return write_roster(rows).encode()


@given(
    st.lists(SEATS, unique_by=(lambda seat: seat.external_id, lambda seat: seat.account or seat.external_id))
)
def test_export_is_read_back(seats: list[Seat]) -> None:
    imported, errors = read_roster(export(seats))
    assert (list(imported.values()), errors) == (seats, [])
    difference = compare(seats, imported, remove_missing=True)
    assert len(difference.unchanged) == len(seats)


@given(st.binary())
def test_any_file_is_read_or_refused_with_a_sentence(content: bytes) -> None:
    with contextlib.suppress(UnreadableRoster):
        seats, errors = read_roster(content)
        assert all(seat.external_id or errors for seat in seats.values())


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_formula_is_harmless_in_a_spreadsheet(formula: str) -> None:
    seat = Seat("1", formula, section="'quoted")
    content = export([seat])
    assert f"'{formula}".encode() in content
    assert read_roster(content)[0] == {"1": seat}


def test_difference_names_each_person_once() -> None:
    stored = [Seat("1", "Ada"), Seat("2", "Bea"), Seat("3", "Cy")]
    imported = {"1": Seat("1", "Ada"), "2": Seat("2", "Beatrice"), "4": Seat("4", "Di")}
    difference = compare(stored, imported, remove_missing=False)
    assert (list(difference.added), list(difference.changed)) == (["4"], ["2"])
    assert (difference.unchanged, difference.missing) == (["1"], ["3"])


@pytest.mark.parametrize(("remove_missing", "errors"), [(True, 0), (False, 1)])
def test_account_of_a_missing_person_is_free_only_if_they_leave(remove_missing: bool, errors: int) -> None:
    imported = {"2": Seat("2", "Bea", "A")}
    assert len(compare([Seat("1", "Ada", "a")], imported, remove_missing=remove_missing).errors) == errors


def test_version_depends_on_the_entries_alone() -> None:
    ada, bea = Seat("1", "Ada"), Seat("2", "Bea")
    assert version_of([ada, bea]) == version_of([bea, ada]) != version_of([ada])


def test_header_may_have_the_columns_of_an_export_only() -> None:
    with pytest.raises(UnreadableRoster, match="external_id"):
        read_roster(",".join([*EXPORTED, "grade"]).encode())
