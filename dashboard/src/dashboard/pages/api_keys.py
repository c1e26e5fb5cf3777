"""API keys page: credentials for scripts, with fewer permissions than a password."""

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import escape, local_time, title_case
from dashboard.layout import finish, show_message, show_table
from dashboard.session.user_session import UserSession
from farebox import Farebox
from farebox.resources.account import SCOPES
from farebox.results.accounts import ApiKey, NewApiKey

NEW_KEY = "new_api_key"


def show(session: UserSession) -> None:
    st.title("API keys")
    st.caption("For scripts and notebooks. You can limit a key's permissions, lifetime and spending.")
    _show_new_key()
    show_message("api-keys")
    keys = {key.id: key for key in session.client.api_keys.list()}
    if keys:
        _show_keys(list(keys.values()))
        _revoke_form(session.client, keys)
    else:
        st.caption("You have no API keys yet.")
    _create_form(session.client)


def _show_new_key() -> None:
    key: NewApiKey | None = st.session_state.pop(NEW_KEY, None)
    if key is not None:
        st.success("Key created. Copy it now; you won't see it again.")
        st.code(key.api_key, language=None)


def _show_keys(keys: list[ApiKey]) -> None:
    rows = [(key.name, f"{key.prefix}…", _permissions(key), key.token_cap, *_times(key)) for key in keys]
    columns = ["Name", "Prefix", "Permissions", "Token cap", "Expires", "Last used"]
    show_table(rows, columns, hide_empty=True)


def _permissions(key: ApiKey) -> str:
    return ", ".join(title_case(scope) for scope in key.scopes)


def _times(key: ApiKey) -> list[object]:
    return [moment and local_time(moment) for moment in (key.expires_at, key.last_used_at)]


def _create_form(client: Farebox) -> None:
    st.subheader("Create API key")
    with st.form("key", border=False):
        name = st.text_input("Name", max_chars=100, placeholder="for example: notebook")
        name_error = st.empty()
        scopes = st.multiselect("Permissions", list(SCOPES), default=list(SCOPES), format_func=title_case)
        scopes_error = st.empty()
        left, right = st.columns(2)
        cap = left.number_input("Token cap", min_value=1, value=None, placeholder="no limit")
        days = right.number_input("Expires after (days)", min_value=1, value=None, placeholder="never")
        submitted = st.form_submit_button("Create key", type="primary")
    if not submitted:
        return
    if not name.strip():
        name_error.error("Enter a name.")
    elif not scopes:
        scopes_error.error("Select at least one permission.")
    else:
        with spinner("Creating the key", {"name": name_error, "scopes": scopes_error}):
            st.session_state[NEW_KEY] = client.api_keys.create(
                name.strip(), scopes=scopes, token_cap=cap, expires_in_days=days
            )
            st.rerun()


def _revoke_form(client: Farebox, keys: dict[int, ApiKey]) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    selected = left.selectbox(
        "API key", list(keys), format_func=lambda key_id: f"{keys[key_id].name} ({keys[key_id].prefix}…)"
    )
    if right.button("Revoke", icon=":material/key_off:"):
        _confirm_revocation(client, keys[selected])


@st.dialog("Revoke this API key?")
def _confirm_revocation(client: Farebox, key: ApiKey) -> None:
    st.write(f"Scripts that use **{escape(key.name)}** stop working within seconds. This cannot be undone.")
    if st.button("Revoke key", type="primary"):
        with spinner("Revoking"):
            client.api_keys.revoke(key.id)
            finish("api-keys", f"Revoked {escape(key.name)}.")
