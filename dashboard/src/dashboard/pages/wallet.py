"""Wallet page: balance, ledger, usage and purchases."""

from collections.abc import Mapping
from itertools import islice

import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import capitalize_first, long_time, short_time, tokens
from dashboard.layout import download_button, finish, show_message, show_table
from dashboard.session.idempotency import idempotency_key
from dashboard.session.user_session import UserSession
from dashboard.widgets.model_summary import name_in_ledger
from dashboard.widgets.usage import movement_title, show_ledger, show_usage
from farebox import Farebox
from farebox.resources.wallet import GroupBy
from farebox.results.wallet import Movement

MAX_ROWS = 500
GROUPS: list[GroupBy] = ["day", "action", "model"]


def show(session: UserSession) -> None:
    st.title("Wallet")
    client = session.client
    wallet = client.wallet.balance()
    left, right = st.columns(2)
    left.metric("Available tokens", f"{wallet.available:,}", border=True)
    right.metric("Reserved for running jobs", f"{wallet.held:,}", border=True)
    ledger, usage, buy = st.tabs(["Ledger", "Usage", "Buy tokens"])
    with ledger, report_errors():
        _show_ledger(client)
    with usage, report_errors():
        show_usage(GROUPS, lambda group, since: client.wallet.usage(group, since=since))
    with buy, report_errors():
        _buy_form(client)


def _show_ledger(client: Farebox) -> None:
    movements = list(islice(client.wallet.ledger(), MAX_ROWS))
    show_ledger(movements)
    if len(movements) == MAX_ROWS:
        st.caption(f"The newest {MAX_ROWS:,} entries; the CSV file contains all entries.")
    download_button("Download CSV", client.wallet.ledger_csv, "ledger.csv")
    receipts = {movement.receipt_id: movement for movement in movements if movement.receipt_id}
    selected = st.selectbox(
        "Receipt",
        list(receipts),
        index=None,
        placeholder="Select a charge",
        format_func=lambda receipt_id: _receipt_label(receipts[receipt_id]),
    )
    if selected is not None:
        _show_receipt(client, selected)


def _receipt_label(movement: Movement) -> str:
    return f"{movement_title(movement)}, {short_time(movement.created_at)} ({tokens(movement.amount)})"


def _show_receipt(client: Farebox, receipt_id: str) -> None:
    receipt = client.wallet.receipt(receipt_id)
    fields: Mapping[str, object] = {
        "Receipt": receipt.id,
        "Date": long_time(receipt.created_at),
        "Type": movement_title(receipt),
        "Tokens": f"{receipt.tokens:,}",
        "Units": None if receipt.units is None else f"{receipt.units:,}",
        "Model": receipt.resource and name_in_ledger(receipt.resource),
        "Price version": receipt.price_version,
        "Card": receipt.card_brand
        and f"{capitalize_first(receipt.card_brand)} ending in {receipt.card_last_four}",
    }
    rows = [(name, str(value)) for name, value in fields.items() if value is not None]
    show_table(rows, ["Field", "Value"])


def _buy_form(client: Farebox) -> None:
    show_message("purchase")
    if client.prices.purchasing().purchases == "off":
        st.info("Tokens cannot be bought on this installation; ask an administrator for a grant.")
        return
    st.caption(
        "Payments are simulated: no card is charged, and only its brand and last four digits are stored."
    )
    with st.form("buy", border=False):
        amount = st.number_input("Tokens", min_value=1, max_value=1_000_000, value=50, step=10)
        card = st.text_input("Card number", placeholder="1234-5678-9999-0000", autocomplete="cc-number")
        st.caption("12 to 19 digits")
        card_error = st.empty()
        submitted = st.form_submit_button("Buy", type="primary")
    if submitted:
        with spinner("Paying", {"credit_card": card_error}):
            with idempotency_key("buy", {"amount": amount, "card": card}) as key:
                purchase = client.wallet.buy(int(amount), credit_card=card, idempotency_key=key)
            finish("purchase", f"Bought {tokens(purchase.amount)}; balance {purchase.available:,}.")
