"""What can be done about one user."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.orders.once import once
from dashboard.wording.figures import tokens
from dashboard.wording.sentences import doing
from dashboard.wording.texts import plain
from farebox import Farebox
from farebox.results.accounts import User, UserWallet

CHOSEN, DONE = "chosen_user", "done_to_user"


def show_actions(client: Farebox, me: User, users: Sequence[UserWallet]) -> None:
    if done := st.session_state.pop(DONE, None):
        st.success(done)
    by_id = {each.id: each for each in users}
    if st.session_state.get(CHOSEN) not in by_id:
        st.session_state[CHOSEN] = None
    chosen = st.selectbox(
        "User",
        list(by_id),
        index=None,
        format_func=lambda each: by_id[each].name,
        key=CHOSEN,
        placeholder="choose whom to do something about",
    )
    if chosen is None:
        return
    user = by_id[chosen]
    grant, password, account = st.tabs(["Grant tokens", "New password", "Account"], key=f"actions-{user.id}")
    with grant:
        _offer_grant(client, user)
    with password:
        _offer_password(client, user)
    with account:
        _offer_changes(client, user, is_me=user.id == me.id)


def _offer_grant(client: Farebox, user: UserWallet) -> None:
    with st.form(f"grant-{user.id}", border=False):
        amount = st.number_input("Tokens", min_value=1, max_value=1_000_000, value=10)
        reason = st.text_input("Reason", max_chars=200, placeholder="the ledger keeps it")
        asked = st.form_submit_button("Grant", type="primary")
    if asked and not reason.strip():
        st.warning("Say why; the ledger keeps the reason.")
    elif asked:
        with doing("Granting"):
            order = {"user": user.id, "amount": amount, "reason": reason}
            with once("grant", order) as key:
                given = client.admin.grant(user.id, int(amount), reason.strip(), idempotency_key=key)
            _finish(f"{plain(user.name)} got {tokens(given.amount)} and has {given.available:,} now.")


def _offer_password(client: Farebox, user: UserWallet) -> None:
    with st.form(f"password-{user.id}", border=False, clear_on_submit=True):
        new = st.text_input("New password", type="password", autocomplete="new-password")
        asked = st.form_submit_button("Set it", type="primary", help="Ends the user's logins.")
    if asked:
        with doing("Setting the password"):
            client.admin.set_password(user.id, new)
            _finish(f"{plain(user.name)} has a new password, and is signed out everywhere.")


def _offer_changes(client: Farebox, user: UserWallet, *, is_me: bool) -> None:
    if is_me:
        st.caption("This is you: nobody can disable or delete themselves.")
    change = "Enable" if user.disabled else "Disable"
    left, right = st.columns(2)
    if left.button(change, disabled=is_me, icon=":material/block:"):
        with doing("Changing"):
            client.admin.set_disabled(user.id, not user.disabled)
            _finish(f"{plain(user.name)} is {change.lower()}d.")
    if right.button("Delete", disabled=is_me, icon=":material/delete:"):
        _confirm_deletion(user, lambda: client.admin.delete_user(user.id))


@st.dialog("Delete this user?")
def _confirm_deletion(user: UserWallet, delete: Callable[[], None]) -> None:
    st.write(
        f"**{plain(user.name)}** loses {tokens(user.tokens)} and every model, table and key. "
        "The ledger stays, without the name."
    )
    if st.button("Delete for good", type="primary"):
        with doing("Deleting"):
            delete()
            _finish(f"{plain(user.name)} is deleted.")


def _finish(done: str) -> None:
    st.session_state[DONE] = done
    st.rerun()
