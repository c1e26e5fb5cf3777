"""Users tab of the administration page: list of users, and actions on one of them."""

from collections.abc import Sequence
from itertools import islice

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import code, tokens
from dashboard.layout import finish, show_message, show_table
from dashboard.session.idempotency import idempotency_key
from farebox import Farebox
from farebox.results.accounts import User, UserWallet

SELECTED = "selected_user"
MAX_ROWS = 1000


def show_users(client: Farebox, me: User) -> None:
    users = list_users(client)
    show_message("user")
    with st.expander("Create a user"):
        _create_form(client)
    by_id = {user.id: user for user in users}
    if st.session_state.get(SELECTED) not in by_id:
        st.session_state[SELECTED] = None
    selected = st.selectbox(
        "User",
        list(by_id),
        index=None,
        format_func=lambda user_id: by_id[user_id].name,
        key=SELECTED,
        placeholder="Select a user",
    )
    if selected is None:
        return
    user = by_id[selected]
    grant, password, account = st.tabs(
        ["Grant tokens", "Reset password", "Account"], key=f"actions-{user.id}"
    )
    with grant:
        _grant_form(client, user)
    with password:
        _password_form(client, user)
    with account:
        _account_actions(client, user, is_me=user.id == me.id)


def list_users(client: Farebox) -> list[UserWallet]:
    left, right = st.columns([2, 1])
    query = left.text_input("Name contains", placeholder="all users")
    minimum = right.number_input("Minimum tokens", min_value=0, value=None, placeholder="any")
    matches = client.admin.users(query=query.strip() or None, min_tokens=minimum)
    users = list(islice(matches, MAX_ROWS))
    _show_table(users)
    if len(users) == MAX_ROWS:
        st.caption(f"The first {MAX_ROWS:,} users; search to find others.")
    else:
        st.caption("1 user found" if len(users) == 1 else f"{len(users):,} users found")
    return users


def _show_table(users: Sequence[UserWallet]) -> None:
    rows = [
        (user.id, user.name, user.available, user.held, user.role == "admin", user.disabled) for user in users
    ]
    columns = ["ID", "Name", "Tokens", "Reserved", "Administrator", "Disabled"]
    show_table(rows, columns, identifiers=["ID"])


def _create_form(client: Farebox) -> None:
    with st.form("create-user", border=False, clear_on_submit=True):
        name = st.text_input("Name or e-mail", autocomplete="off")
        name_error = st.empty()
        password = st.text_input("Initial password", type="password", autocomplete="new-password")
        st.caption("8 to 256 characters. Ask the user to change it after the first login.")
        password_error = st.empty()
        submitted = st.form_submit_button("Create user", type="primary")
    if submitted:
        with spinner("Creating the account", {"name": name_error, "password": password_error}):
            user = client.admin.create_user(name.strip(), password)
            finish("user", f"Created {code(user.name)}.")


def _grant_form(client: Farebox, user: UserWallet) -> None:
    with st.form(f"grant-{user.id}", border=False):
        amount = st.number_input("Tokens", min_value=1, max_value=1_000_000, value=10)
        reason = st.text_input("Reason", max_chars=200, placeholder="stored in the ledger")
        reason_error = st.empty()
        submitted = st.form_submit_button("Grant", type="primary")
    if submitted and not reason.strip():
        reason_error.error("Enter a reason; it is stored in the ledger.")
    elif submitted:
        with spinner("Granting", {"reason": reason_error}):
            request = {"user": user.id, "amount": amount, "reason": reason}
            with idempotency_key("grant", request) as key:
                grant = client.admin.grant(user.id, int(amount), reason.strip(), idempotency_key=key)
            name = code(user.name)
            finish("user", f"Granted {tokens(grant.amount)} to {name}; balance {grant.available:,}.")


def _password_form(client: Farebox, user: UserWallet) -> None:
    with st.form(f"password-{user.id}", border=False, clear_on_submit=True):
        new = st.text_input("New password", type="password", autocomplete="new-password")
        st.caption("8 to 256 characters. The user will be logged out everywhere and lose all API keys.")
        new_error = st.empty()
        submitted = st.form_submit_button("Reset password", type="primary")
    if submitted:
        with spinner("Resetting the password", {"new_password": new_error}):
            client.admin.set_password(user.id, new)
            name = code(user.name)
            finish("user", f"Password of {name} reset. All logins ended and all API keys were revoked.")


def _account_actions(client: Farebox, user: UserWallet, *, is_me: bool) -> None:
    if is_me:
        st.caption("You cannot disable or delete your own account.")
    change = "Enable" if user.disabled else "Disable"
    left, right = st.columns(2)
    if left.button(change, disabled=is_me, icon=":material/block:"):
        with spinner("Saving"):
            client.admin.set_disabled(user.id, not user.disabled)
            finish("user", f"{change}d {code(user.name)}.")
    if right.button("Delete", disabled=is_me, icon=":material/delete:"):
        _confirm_deletion(client, user)


@st.dialog("Delete this user?")
def _confirm_deletion(client: Farebox, user: UserWallet) -> None:
    name = code(user.name)
    st.write(
        f"{name} loses {tokens(user.tokens)} and all models, datasets and API keys. "
        "This cannot be undone. Ledger entries stay, without the name."
    )
    if st.button("Delete user", type="primary"):
        with spinner("Deleting"):
            client.admin.delete_user(user.id)
            finish("user", f"Deleted {name}.")
