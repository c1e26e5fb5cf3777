"""Tokens: what is there, where they went, and more of them."""

from datetime import timedelta
from itertools import islice

import pandas as pd
import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.orders.once import once
from dashboard.wording.figures import local, today, tokens, words
from dashboard.wording.movements import show_movements
from dashboard.wording.sentences import doing, telling
from dashboard.wording.usage import DAYS, show_usage
from farebox import Farebox
from farebox.resources.wallet import GroupBy

MOST_ROWS = 500
BOUGHT = "bought"
GROUPS: list[GroupBy] = ["day", "action", "model"]


def show(visit: Visit) -> None:
    st.title("Wallet")
    wallet = visit.client.wallet.balance()
    left, right = st.columns(2)
    left.metric("Tokens to spend", f"{wallet.available:,}", border=True)
    right.metric("Held for work under way", f"{wallet.held:,}", border=True)
    ledger, usage, buy = st.tabs(["Ledger", "Usage", "Buy tokens"])
    with ledger, telling():
        _show_ledger(visit.client)
    with usage, telling():
        _show_usage(visit.client)
    with buy, telling():
        _offer_tokens(visit.client)


def _show_ledger(client: Farebox) -> None:
    movements = list(islice(client.wallet.ledger(), MOST_ROWS))
    show_movements(movements)
    if len(movements) == MOST_ROWS:
        st.caption(f"The newest {MOST_ROWS}; the CSV file has all of them.")
    st.download_button(
        "All as CSV",
        client.wallet.ledger_csv,
        "ledger.csv",
        "text/csv",
        on_click="ignore",  # drawing the page anew would forget what was asked for
        icon=":material/download:",
    )
    receipts = {each.receipt_id: each for each in movements if each.receipt_id}
    chosen = st.selectbox(
        "Receipt",
        list(receipts),
        index=None,
        placeholder="choose what to explain",
        format_func=lambda each: f"{local(receipts[each].created_at)}: {tokens(receipts[each].amount)}",
    )
    if chosen is not None:
        _show_receipt(client, chosen)


def _show_receipt(client: Farebox, receipt_id: str) -> None:
    receipt = client.wallet.receipt(receipt_id)
    told = {
        "Receipt": receipt.id,
        "When": local(receipt.created_at),
        "What": words(receipt.action or receipt.kind),
        "Tokens": receipt.tokens,
        "Units": receipt.units,
        "For": receipt.resource,
        "Version of the price": receipt.price_version,
        "Card": receipt.card_brand and f"{receipt.card_brand} ending in {receipt.card_last_four}",
    }
    rows = [(name, str(value)) for name, value in told.items() if value is not None]
    st.dataframe(pd.DataFrame(rows, columns=["Receipt", "Value"]), hide_index=True)


def _show_usage(client: Farebox) -> None:
    group: GroupBy = st.segmented_control("By", GROUPS, default="day", format_func=words, required=True)
    since = today() - timedelta(days=DAYS) if group == "day" else None
    show_usage(client.wallet.usage(group, since=since), group)


def _offer_tokens(client: Farebox) -> None:
    if bought := st.session_state.pop(BOUGHT, None):
        st.success(bought)
    st.caption(
        "Payment is simulated: no card is charged. Of the number only brand and last four digits are kept."
    )
    with st.form("buy", border=False):
        amount = st.number_input("Tokens", min_value=1, max_value=1_000_000, value=50, step=10)
        card = st.text_input("Card number", placeholder="1234-5678-9999-0000", autocomplete="cc-number")
        asked = st.form_submit_button("Buy", type="primary")
    if asked:
        with doing("Paying"):
            with once("buy", {"amount": amount, "card": card}) as key:
                purchase = client.wallet.buy(int(amount), credit_card=card, idempotency_key=key)
            st.session_state[BOUGHT] = (
                f"{tokens(purchase.amount)} bought; you have {purchase.available:,} now."
            )
            st.rerun()
