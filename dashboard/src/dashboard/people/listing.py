"""All users and their tokens."""

from collections.abc import Sequence
from itertools import islice

import pandas as pd
import streamlit as st

from farebox import Farebox
from farebox.results.accounts import UserWallet

MOST_ROWS = 1000


def list_users(client: Farebox) -> list[UserWallet]:
    left, right = st.columns([2, 1])
    query = left.text_input("Name contains", placeholder="everybody")
    least = right.number_input("With at least (tokens)", min_value=0, value=None, placeholder="any")
    found = client.admin.users(query=query.strip() or None, min_tokens=least)
    users = list(islice(found, MOST_ROWS))
    st.dataframe(_table(users), hide_index=True)
    more = f"the first {MOST_ROWS:,}; search to see others" if len(users) == MOST_ROWS else "all of them"
    st.caption(f"{len(users):,} {'user' if len(users) == 1 else 'users'}, {more}.")
    return users


def _table(users: Sequence[UserWallet]) -> pd.DataFrame:
    rows = [
        (each.id, each.name, each.available, each.held, each.role == "admin", each.disabled) for each in users
    ]
    return pd.DataFrame(rows, columns=["Id", "Name", "Tokens", "Held", "Administrator", "Disabled"])
