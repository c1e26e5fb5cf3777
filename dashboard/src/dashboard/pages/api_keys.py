"""API keys: credentials for scripts, with less power than a password."""

import pandas as pd
import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.wording.figures import local
from dashboard.wording.sentences import doing
from dashboard.wording.texts import plain
from farebox import Farebox
from farebox.resources.account import SCOPES
from farebox.results.accounts import ApiKey, NewApiKey

MADE = "made_key"


def show(visit: Visit) -> None:
    st.title("API keys")
    st.caption(
        "For scripts and notebooks. A key may be limited in what it does, how long, and what it spends."
    )
    _show_new()
    keys = {each.id: each for each in visit.client.api_keys.list()}
    if keys:
        st.dataframe(_table(list(keys.values())), hide_index=True)
        _offer_end(visit.client, keys)
    else:
        st.caption("You have no keys yet.")
    _offer_key(visit.client)


def _show_new() -> None:
    made: NewApiKey | None = st.session_state.pop(MADE, None)
    if made is not None:
        st.success(f"**{plain(made.name)}** is made. Copy it now: it is shown this once.")
        st.code(made.api_key, language=None)


def _table(keys: list[ApiKey]) -> pd.DataFrame:
    rows = [
        (each.name, f"{each.prefix}…", ", ".join(each.scopes), each.token_cap, *_times(each)) for each in keys
    ]
    columns = ["Name", "Begins with", "May", "May spend", "Ends", "Last used"]
    return pd.DataFrame(rows, columns=columns).dropna(axis="columns", how="all")


def _times(key: ApiKey) -> list[object]:
    return [moment and local(moment) for moment in (key.expires_at, key.last_used_at)]


def _offer_key(client: Farebox) -> None:
    st.subheader("A new key")
    with st.form("key", border=False):
        name = st.text_input("Name", max_chars=100, placeholder="what it is for")
        scopes = st.multiselect("May", list(SCOPES), default=list(SCOPES))
        left, right = st.columns(2)
        cap = left.number_input("May spend at most (tokens)", min_value=1, value=None, placeholder="no limit")
        days = right.number_input("Ends after (days)", min_value=1, value=None, placeholder="never")
        asked = st.form_submit_button("Make the key", type="primary")
    if asked and not (name.strip() and scopes):
        st.warning("Give it a name, and something that it may do.")
    elif asked:
        with doing("Making the key"):
            st.session_state[MADE] = client.api_keys.create(
                name.strip(), scopes=scopes, token_cap=cap, expires_in_days=days
            )
            st.rerun()


def _offer_end(client: Farebox, keys: dict[int, ApiKey]) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.selectbox(
        "Key", list(keys), format_func=lambda each: f"{keys[each].name} ({keys[each].prefix}…)"
    )
    if right.button("Revoke", icon=":material/key_off:"):
        _confirm_end(client, keys[chosen])


@st.dialog("Revoke this key?")
def _confirm_end(client: Farebox, key: ApiKey) -> None:
    st.write(f"Scripts that use **{plain(key.name)}** will be refused within seconds.")
    if st.button("Revoke it", type="primary"):
        with doing("Revoking"):
            client.api_keys.revoke(key.id)
            st.rerun()
