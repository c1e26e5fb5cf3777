"""One's own account."""

import streamlit as st

from dashboard.logins.passwords import ask_change
from dashboard.logins.visits import Visit
from dashboard.wording.figures import local

CHANGED = "changed_password"


def show(visit: Visit) -> None:
    st.title("Account")
    st.text(visit.user.name)
    st.caption(f"Here since {local(visit.user.created_at):%d %b %Y}")
    st.subheader("Password")
    if st.session_state.pop(CHANGED, False):
        st.success("Your password is changed; every other login of yours has ended.")
    if ask_change(visit.user.name):
        st.session_state[CHANGED] = True
        st.rerun()
