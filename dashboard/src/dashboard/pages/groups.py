"""Groups page: your groups, joining and creating them, and the one that is open."""

from collections.abc import Callable, Mapping
from functools import partial
from zoneinfo import available_timezones

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.errors import report_errors, spinner
from dashboard.formatting import escape, title_case
from dashboard.layout import finish, show_message, show_table
from dashboard.session.idempotency import idempotency_key
from dashboard.session.user_session import UserSession
from dashboard.widgets.group_budget import show_budget
from dashboard.widgets.group_members import show_codes, show_members
from dashboard.widgets.roster import show_roster
from farebox import Farebox
from farebox.results.groups import Group

# The address of a group's page is `/groups?group=12`.
OPEN = "group"
STAFF = ("owner", "assistant")
KINDS = ("class", "lab", "team")


def show(session: UserSession) -> None:
    st.title("Groups")
    st.caption("A class, a lab or a team: people with a common budget.")
    show_message("groups")
    client = session.client
    groups = {group.id: group for group in client.groups.list()}
    left, right = st.columns(2)
    with left.expander("Join a group", expanded=not groups):
        _join_form(client)
    with right.expander("Create a group"):
        _create_form(client)
    if not groups:
        st.caption("You are in no group yet.")
        return
    _show_groups(groups)
    group = _select(groups)
    if group is not None:
        _show_group(client, group)


def _show_groups(groups: Mapping[int, Group]) -> None:
    rows = [
        (group.name, title_case(group.kind), title_case(group.role or ""), group.time_zone, _state(group))
        for group in groups.values()
    ]
    show_table(rows, ["Name", "Kind", "Your role", "Time zone", "State"], hide_empty=True)


def _state(group: Group) -> str | None:
    return "Archived" if group.state == "archived" else None


def _select(groups: Mapping[int, Group]) -> Group | None:
    ids = list(groups)
    addressed = st.query_params.get(OPEN, "")
    first = ids.index(int(addressed)) if addressed.isdecimal() and int(addressed) in groups else None
    selected = st.selectbox(
        "Group",
        ids,
        index=first if len(ids) > 1 else 0,
        format_func=lambda group_id: groups[group_id].name,
        placeholder="Select a group",
    )
    if selected is None:
        return None
    st.query_params[OPEN] = str(selected)
    return groups[selected]


def _show_group(client: Farebox, group: Group) -> None:
    is_staff = group.role in STAFF
    parts: dict[str, Callable[[Farebox, Group], None]] = {}
    if is_staff:
        parts |= {"Members": show_members, "Roster": show_roster, "Join codes": show_codes}
    parts |= {"Budget": partial(show_budget, is_staff=is_staff), "Your membership": _own_membership}
    if group.role == "owner":
        parts["Settings"] = _settings
    for tab, show_part in zip(st.tabs(list(parts), key=f"group-{group.id}"), parts.values(), strict=True):
        with tab, report_errors():
            show_part(client, group)


def _join_form(client: Farebox) -> None:
    with st.form("join-group", border=False, clear_on_submit=True):
        code = st.text_input("Join code", placeholder="7XQ2M-0ZRTA", max_chars=40)
        code_error = st.empty()
        submitted = st.form_submit_button("Join", type="primary")
    if submitted and not code.strip():
        code_error.error("Enter the code that you were given.")
    elif submitted:
        with spinner("Joining", {"code": code_error}):
            joined = client.groups.join(code.strip())
            st.query_params[OPEN] = str(joined.group_id)
            finish("groups", f"Welcome. Other members see you as {escape(joined.alias)}.")


def _create_form(client: Farebox) -> None:
    with st.form("create-group", border=False):
        name = st.text_input("Name", max_chars=100, placeholder="for example: Statistics 2")
        name_error = st.empty()
        left, right = st.columns(2)
        kind = left.selectbox("Kind", KINDS, format_func=title_case)
        zone = _zone_field(right, st.context.timezone or "UTC")
        submitted = st.form_submit_button("Create group", type="primary")
    if submitted and not name.strip():
        name_error.error("Enter a name.")
    elif submitted:
        with spinner("Creating the group", {"name": name_error}):
            with idempotency_key("group", {"name": name, "kind": kind, "zone": zone}) as key:
                group = client.groups.create(name.strip(), kind, time_zone=zone, idempotency_key=key)
            st.query_params[OPEN] = str(group.id)
            finish("groups", f"Created {escape(group.name)}. You are its owner.")


def _zone_field(container: DeltaGenerator, chosen: str) -> str:
    zones = sorted(available_timezones())
    index = zones.index(chosen) if chosen in zones else zones.index("UTC")
    return container.selectbox("Time zone", zones, index=index, help="Budgets begin and end in this zone.")


def _own_membership(client: Farebox, group: Group) -> None:
    with st.form(f"alias-{group.id}", border=False):
        alias = st.text_input("Alias", max_chars=40, placeholder="the name that other members see")
        alias_error = st.empty()
        submitted = st.form_submit_button("Change alias")
    if submitted and not alias.strip():
        alias_error.error("Enter an alias.")
    elif submitted:
        with spinner("Saving", {"alias": alias_error}):
            changed = client.groups.set_alias(group.id, alias.strip())
            finish("groups", f"Other members see you as {escape(changed.alias)}.")
    if st.button("Leave group", icon=":material/logout:"):
        _confirm_leaving(client, group)


@st.dialog("Leave this group?")
def _confirm_leaving(client: Farebox, group: Group) -> None:
    st.write(f"You will no longer use the tokens of **{escape(group.name)}**; your models and datasets stay.")
    if st.button("Leave", type="primary"):
        with spinner("Leaving"):
            client.groups.leave(group.id)
            st.query_params.pop(OPEN, None)
            finish("groups", f"You have left {escape(group.name)}.")


def _settings(client: Farebox, group: Group) -> None:
    with st.form(f"settings-{group.id}", border=False):
        name = st.text_input("Name", value=group.name, max_chars=100)
        name_error = st.empty()
        zone = _zone_field(st.container(), group.time_zone)
        archived = st.toggle(
            "Archived", value=group.state == "archived", help="Nobody joins or spends; everything stays."
        )
        submitted = st.form_submit_button("Save", type="primary")
    if submitted and not name.strip():
        name_error.error("Enter a name.")
    elif submitted:
        with spinner("Saving", {"name": name_error}):
            state = "archived" if archived else "active"
            client.groups.change(group.id, name=name.strip(), time_zone=zone, state=state)
            finish("groups", f"Saved {escape(name.strip())}.")
    if st.button("Delete group", icon=":material/delete:"):
        _confirm_deletion(client, group)


@st.dialog("Delete this group?")
def _confirm_deletion(client: Farebox, group: Group) -> None:
    st.write(
        f"**{escape(group.name)}** loses its members, its roster, its codes and the rest of its tokens. "
        "This cannot be undone."
    )
    if st.button("Delete", type="primary"):
        with spinner("Deleting"):
            client.groups.delete(group.id)
            st.query_params.pop(OPEN, None)
            finish("groups", f"Deleted {escape(group.name)}.")
