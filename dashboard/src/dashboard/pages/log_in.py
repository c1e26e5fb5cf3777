"""Sign in, register, or change a password that is known."""

import streamlit as st

from dashboard.logins import visits
from dashboard.logins.passwords import alike, ask_change, filled
from dashboard.wording.sentences import doing


def show() -> None:
    st.title("Farebox")
    st.caption("Metered machine learning for tables: train models from CSV files, and predict with them.")
    if why := st.session_state.get(visits.WHY):
        st.info(why)
    enter, register, reset = st.tabs(["Sign in", "Register", "Change password"])
    with enter:
        _enter()
    with register:
        _register()
    with reset:
        if ask_change():
            st.rerun()


def _enter() -> None:
    with st.form("enter", border=False):
        name = st.text_input("Name or e-mail", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        asked = st.form_submit_button("Sign in", type="primary")
    if asked and filled(name, password):
        with doing("Signing in"):
            visits.sign_in(name.strip(), password)
            st.rerun()
    st.caption("Forgotten? An administrator can give you a new password.")


def _register() -> None:
    with st.form("register", border=False):
        name = st.text_input("Name or e-mail", autocomplete="username", key="new_name")
        password = st.text_input("Password", type="password", autocomplete="new-password", key="new_password")
        again = st.text_input("Password again", type="password", autocomplete="new-password")
        asked = st.form_submit_button("Register", type="primary")
    if asked and filled(name, password) and alike(password, again):
        with doing("Making your account"):
            visits.sign_in(name.strip(), password, register=True)
            st.rerun()
