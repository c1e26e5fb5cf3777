"""Account page, and the forms before login: log in, register, change password."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.errors import spinner
from dashboard.formatting import local_time, tokens
from dashboard.layout import finish, show_message
from dashboard.session import user_session
from dashboard.session.user_session import UserSession
from dashboard.settings import DashboardSettings


def show(session: UserSession) -> None:
    st.title("Account")
    st.text(session.user.name)
    st.caption(f"Member since {local_time(session.user.created_at):%d %b %Y}")
    st.subheader("Password")
    show_message("password")
    if _change_password(session.user.name):
        finish("password", "Password changed. All your other sessions were logged out.")


def show_login() -> None:
    st.title("Farebox")
    st.caption("Metered machine learning for tables: train models on your tables and predict with them.")
    if notice := st.session_state.get(user_session.NOTICE):
        st.info(notice)
    login, register, reset = st.tabs(["Log in", "Register", "Change password"])
    with login:
        _log_in()
    with register:
        if DashboardSettings.read().sign_up == "open":
            _register()
        else:
            st.info("Sign-up is closed. Ask an administrator to create your account.")
    with reset:
        if _change_password():
            st.rerun()


def _log_in() -> None:
    with st.form("log-in", border=False):
        name = st.text_input("Name or e-mail", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        submitted = st.form_submit_button("Log in", type="primary")
    if submitted and _all_filled(name, password):
        with spinner("Logging in"):
            user_session.log_in(name.strip(), password)
            st.rerun()
    st.caption("Forgot your password? Ask an administrator to reset it.")


def _register() -> None:
    grant = DashboardSettings.read().opening_grant
    st.caption(f"A new account starts with {tokens(grant)}.")
    with st.form("register", border=False):
        name = st.text_input("Name or e-mail", autocomplete="username", key="new_name")
        st.caption("Up to 254 characters, without spaces or slashes")
        name_error = st.empty()
        password, password_error, confirmed = _new_password(
            "Password", "Confirm password", key="new_password"
        )
        submitted = st.form_submit_button("Register", type="primary")
    if submitted and _all_filled(name, password) and _equal(password, confirmed):
        with spinner("Creating your account", {"name": name_error, "password": password_error}):
            user_session.register(name.strip(), password)
            st.rerun()


def _change_password(name: str | None = None) -> bool:
    """A form, with a field for the account name if none is given; true once the password is changed."""
    with st.form("change-password", border=False, clear_on_submit=name is not None):
        account = name or st.text_input("Name or e-mail", autocomplete="username", key="reset_name")
        password = st.text_input("Current password", type="password", autocomplete="current-password")
        new, new_error, confirmed = _new_password(
            "New password", "Confirm new password", key="changed_password"
        )
        revoke = st.checkbox("Revoke all API keys", help="If somebody else may know your password")
        submitted = st.form_submit_button("Change password", type="primary")
    if submitted and _all_filled(account, password, new) and _equal(new, confirmed):
        with spinner("Changing your password", {"new_password": new_error}):
            user_session.change_password(account.strip(), password, new, revoke_api_keys=revoke)
            return True
    return False


def _new_password(label: str, confirm_label: str, key: str) -> tuple[str, DeltaGenerator, str]:
    """The password, the placeholder for its error, and its confirmation."""
    password = st.text_input(label, type="password", autocomplete="new-password", key=key)
    st.caption("8 to 256 characters")
    error = st.empty()
    confirmed = st.text_input(confirm_label, type="password", autocomplete="new-password", key=f"{key}_again")
    return password, error, confirmed


def _all_filled(*texts: str) -> bool:
    if all(text.strip() for text in texts):
        return True
    st.warning("Fill in every field.")
    return False


def _equal(password: str, confirmed: str) -> bool:
    if password == confirmed:
        return True
    st.warning("The passwords do not match.")
    return False
