"""Roster of a group: download, and an import whose difference is shown before anything is written."""

from collections.abc import Sequence

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import escape
from dashboard.layout import download_button, finish, show_table
from farebox import Farebox
from farebox.results.groups import Group, RosterDiff, Seat

COLUMNS = ["External ID", "Name", "Account", "Role", "Section"]
HELP = "CSV with the columns external_id, name, account, role and section; the first two are needed."


def show_roster(client: Farebox, group: Group) -> None:
    st.caption("The people you expect. A seat is taken with its account, or with its personal code.")
    download_button("Download roster", lambda: client.groups.roster(group.id), f"roster-{group.id}.csv")
    file = st.file_uploader(
        "Import a roster", type=["csv", "txt", "tsv"], help=HELP, key=f"roster-{group.id}"
    )
    remove_missing = st.checkbox("Remove people who are not in the file", key=f"missing-{group.id}")
    if file is None:
        return
    content = file.getvalue()
    with spinner("Comparing"):
        diff = client.groups.compare_roster(group.id, content, remove_missing=remove_missing)
        _show_difference(diff, remove_missing=remove_missing)
        if not diff.errors:
            _apply_form(client, group, content, diff, remove_missing=remove_missing)


def _show_difference(diff: RosterDiff, *, remove_missing: bool) -> None:
    if diff.errors:
        st.error("Nothing can be written until these lines are corrected.")
        show_table([(error.line or None, error.detail) for error in diff.errors], ["Line", "Fault"])
        return
    _show_seats("Added", diff.added)
    _show_seats("Changed", diff.changed)
    if diff.missing:
        fate = "will be removed" if remove_missing else "stay"
        names = ", ".join(escape(external_id) for external_id in diff.missing)
        st.write(f"**Not in the file**, {fate}: {names}")
    st.caption(
        f"{len(diff.added):,} added, {len(diff.changed):,} changed, {diff.unchanged:,} unchanged, "
        f"{len(diff.missing):,} not in the file"
    )


def _show_seats(title: str, seats: Sequence[Seat]) -> None:
    if seats:
        st.write(f"**{title}**")
        show_table([(s.external_id, s.name, s.account, s.role, s.section) for s in seats], COLUMNS)


def _apply_form(
    client: Farebox, group: Group, content: bytes, diff: RosterDiff, *, remove_missing: bool
) -> None:
    personal_codes = st.checkbox(
        "Create a personal join code for each person", value=True, key=f"personal-{group.id}"
    )
    if st.button("Write this difference", type="primary"):
        with spinner("Writing the roster"):
            client.groups.apply_roster(
                group.id, content, diff, remove_missing=remove_missing, personal_codes=personal_codes
            )
            codes = " Download it to see the personal codes." if personal_codes else ""
            finish("groups", f"The roster is written.{codes}")
