"""Home page: balance, first steps and recent activity."""

from datetime import timedelta
from itertools import islice

import streamlit as st

from dashboard.formatting import tokens, utc_now
from dashboard.layout import page_link
from dashboard.session.user_session import UserSession
from dashboard.widgets.usage import USAGE_DAYS, show_daily_usage, show_ledger
from farebox import Farebox

RECENT = 8


def show(session: UserSession) -> None:
    st.title("Home")
    client = session.client
    funds, models = client.budgets.funds(), list(client.models.list())
    running = [job for job in islice(client.jobs.list(), RECENT) if not job.has_ended]
    left, middle, right = st.columns(3)
    left.metric("Available tokens", f"{funds.available:,}", border=True)
    middle.metric("Models", f"{len(models):,}", border=True)
    right.metric("Running jobs", len(running), border=True)
    if not models:
        _show_first_steps(client)
    st.subheader("Tokens spent by day")
    show_daily_usage(client.wallet.usage("day", since=utc_now() - timedelta(days=USAGE_DAYS)))
    st.subheader("Recent activity")
    show_ledger(islice(client.wallet.ledger(), RECENT))


def _show_first_steps(client: Farebox) -> None:
    prices = {price.action: price.cost_of(1) for price in client.prices.list()}
    with st.container(border=True):
        st.subheader("First steps", anchor=False)
        st.markdown(
            "1. Upload a dataset: a table of CSV, Excel, Parquet or JSON Lines.\n"
            "2. Select the column to predict and train a model. "
            f"A training costs {tokens(prices['train'])}, charged only if it succeeds.\n"
            f"3. Predict the column for new rows. A prediction costs {tokens(prices['predict'])}."
        )
        page_link("train", "Train your first model")
