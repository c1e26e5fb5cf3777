"""What there is, and what to do first."""

from datetime import timedelta
from itertools import islice

import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.places import link
from dashboard.wording.figures import today, tokens
from dashboard.wording.movements import show_movements
from dashboard.wording.usage import DAYS, show_days
from farebox import Farebox

RECENT = 8


def show(visit: Visit) -> None:
    st.title("Home")
    client = visit.client
    wallet, models = client.wallet.balance(), list(client.models.list())
    running = [each for each in islice(client.jobs.list(), RECENT) if not each.has_ended]
    left, middle, right = st.columns(3)
    left.metric("Tokens to spend", f"{wallet.available:,}", border=True)
    middle.metric("Models", len(models), border=True)
    right.metric("Work under way", len(running), border=True)
    if not models:
        _show_first_steps(client)
    st.subheader("Tokens by day")
    show_days(client.wallet.usage("day", since=today() - timedelta(days=DAYS)))
    st.subheader("Recent activity")
    show_movements(islice(client.wallet.ledger(), RECENT))


def _show_first_steps(client: Farebox) -> None:
    prices = {each.action: each.cost_of(1) for each in client.prices.list()}
    with st.container(border=True):
        st.subheader("First steps", anchor=False)
        st.markdown(
            "1. Upload a CSV file, such as a table of penguins or of houses.\n"
            "2. Choose the column to predict, and train a model: "
            f"{tokens(prices['train'])}, charged only when it succeeds.\n"
            f"3. Ask the model about rows that it has never seen: {tokens(prices['predict'])} each."
        )
        link("train", "Train a first model")
