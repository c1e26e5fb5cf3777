"""Passwords, typed and changed."""

import streamlit as st

from dashboard.logins import visits
from dashboard.wording.sentences import doing


def ask_change(name: str | None = None) -> bool:
    """Ask for the password until now, a new one, and the name unless it is known; true once changed."""
    with st.form("change-password", border=False, clear_on_submit=name is not None):
        named = name or st.text_input("Name or e-mail", autocomplete="username", key="reset_name")
        password = st.text_input("Password until now", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("New password again", type="password", autocomplete="new-password")
        asked = st.form_submit_button("Change password", type="primary")
    if asked and filled(named, password, new) and alike(new, again):
        with doing("Changing your password"):
            visits.change_password(named.strip(), password, new)
            return True
    return False


def filled(*texts: str) -> bool:
    if all(text.strip() for text in texts):
        return True
    st.warning("Please fill in every field.")
    return False


def alike(password: str, again: str) -> bool:
    if password == again:
        return True
    st.warning("The two passwords differ; please type them again.")
    return False
