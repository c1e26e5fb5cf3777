"""Members and join codes of a group, for its owners and assistants."""

from itertools import islice

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import code as in_code
from dashboard.formatting import local_time, title_case
from dashboard.layout import finish, show_table
from farebox import Farebox
from farebox.results.groups import Group, JoinCode, Member

MAX_ROWS = 2000
ROLES = ("owner", "assistant", "member")


def show_members(client: Farebox, group: Group) -> None:
    members = list(islice(client.groups.members(group.id), MAX_ROWS))
    rows = [
        (
            m.account,
            title_case(m.role),
            m.name,
            m.external_id,
            m.section or None,
            m.alias,
            local_time(m.joined_at),
        )
        for m in members
    ]
    columns = ["Account", "Role", "Name", "External ID", "Section", "Alias", "Joined"]
    show_table(rows, columns, hide_empty=True)
    st.caption("1 member" if len(members) == 1 else f"{len(members):,} members")
    selected = st.selectbox(
        "Member",
        members,
        index=None,
        format_func=_name_of,
        placeholder="Select a member",
        key=f"member-{group.id}",
    )
    if selected is not None:
        _member_actions(client, group, selected)


def _name_of(member: Member) -> str:
    return f"{member.name} ({member.account})" if member.name else member.account


def _member_actions(client: Farebox, group: Group, member: Member) -> None:
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    is_owner = group.role == "owner"
    role = left.selectbox(
        "Role", ROLES, index=ROLES.index(member.role), format_func=title_case, disabled=not is_owner
    )
    if middle.button("Change role", disabled=not is_owner or role == member.role):
        with spinner("Saving"):
            client.groups.set_role(group.id, member.user_id, role)
            finish("groups", f"{in_code(member.account)} is {role} now.")
    if right.button("Remove", icon=":material/person_remove:"):
        _confirm_removal(client, group, member)


@st.dialog("Remove this member?")
def _confirm_removal(client: Farebox, group: Group, member: Member) -> None:
    st.write(
        f"{in_code(member.account)} spends nothing of this group within seconds, and can come back "
        "by a personal code only."
    )
    if st.button("Remove member", type="primary"):
        with spinner("Removing"):
            client.groups.remove(group.id, member.user_id)
            finish("groups", f"Removed {in_code(member.account)}.")


def show_codes(client: Farebox, group: Group) -> None:
    codes = {code.id: code for code in islice(client.groups.join_codes(group.id), MAX_ROWS)}
    shared = [code for code in codes.values() if not code.personal]
    if shared:
        rows = [
            (code.code, f"{code.uses:,} of {code.max_uses:,}", code.only_roster, local_time(code.expires_at))
            for code in shared
        ]
        show_table(rows, ["Code", "Used", "Only roster", "Expires"])
        _deletion(client, group, shared)
    else:
        st.caption("There are no codes yet. People join with a code that you give them.")
    if personal := len(codes) - len(shared):
        st.caption(f"{personal:,} personal codes are in the roster.")
    _code_form(client, group)


def _deletion(client: Farebox, group: Group, shared: list[JoinCode]) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    selected = left.selectbox("Code", shared, format_func=lambda code: code.code, key=f"code-{group.id}")
    if right.button("Delete code", icon=":material/delete:"):
        with spinner("Deleting"):
            client.groups.delete_join_code(group.id, selected.id)
            finish("groups", f"Deleted the code {in_code(selected.code)}; people who joined with it stay.")


def _code_form(client: Farebox, group: Group) -> None:
    with st.form(f"code-form-{group.id}", border=False):
        uses = st.number_input("For how many people", min_value=1, max_value=100_000, value=30)
        only_roster = st.checkbox("Only accounts that the roster names")
        submitted = st.form_submit_button("Create code", type="primary")
    if submitted:
        with spinner("Creating the code"):
            created = client.groups.create_join_code(group.id, max_uses=int(uses), only_roster=only_roster)
            finish("groups", f"The code is {in_code(created.code)}; it lasts 30 days.")
