"""What things cost, and changing it."""

import pandas as pd
import streamlit as st

from dashboard.wording.figures import local, tokens, words
from dashboard.wording.sentences import doing
from farebox import Farebox
from farebox.resources.wallet import Action
from farebox.results.wallet import Price

CHANGED = "changed_price"
ACTIONS: list[Action] = ["train", "predict", "batch", "metadata"]


def show_prices(client: Farebox) -> None:
    if changed := st.session_state.pop(CHANGED, None):
        st.success(changed)
    prices = {each.action: each for each in client.prices.list()}
    rows = [
        (words(each.action), each.tokens, each.per_units, each.version, local(each.created_at))
        for each in prices.values()
    ]
    columns = ["Action", "Tokens", "For each started", "Version", "Since"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)
    action: Action = st.selectbox("Action", ACTIONS, format_func=words)
    _offer_change(client, action, prices[action])


def _offer_change(client: Farebox, action: Action, price: Price) -> None:
    with st.form(f"price-{price.action}-{price.version}", border=False):
        left, right = st.columns(2)
        cost = left.number_input("Tokens", min_value=0, max_value=1_000_000, value=price.tokens)
        units = right.number_input(
            "For each started", min_value=1, max_value=1_000_000, value=price.per_units
        )
        asked = st.form_submit_button("Change the price", type="primary")
    if asked:
        with doing("Changing the price"):
            changed = client.prices.change(action, int(cost), int(units))
            st.session_state[CHANGED] = f"{words(changed.action)} costs {tokens(changed.tokens)} from now on."
            st.rerun()
