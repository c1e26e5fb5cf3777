"""Budget of a group: who pays, its tokens, spending, and for owners the pool, allowances and limits."""

from collections.abc import Sequence
from itertools import islice

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import long_time, title_case, tokens
from dashboard.layout import finish, show_table
from dashboard.session.idempotency import idempotency_key
from dashboard.widgets.usage import show_ledger, show_usage
from farebox import Farebox
from farebox.resources.budgets import GroupedBy
from farebox.results.budgets import AllowanceRule, Funds, GroupWallet, Source
from farebox.results.groups import Group

MAX_ROWS = 500
OF_STAFF: list[GroupedBy] = ["user", "day", "action", "model", "context"]
OF_MEMBER: list[GroupedBy] = ["day", "action", "model", "context"]
# Durations of ISO 8601, in the words of the page.
PERIODS = {"P1D": "day", "P1W": "week", "P2W": "two weeks", "P1M": "month"}
ORDERS: dict[tuple[Source, ...], str] = {
    ("allowance",): "Allowances alone",
    ("pool",): "The pool alone",
    ("allowance", "pool"): "Allowances, then the pool",
    ("allowance", "own"): "Allowances, then each member's own wallet",
    ("allowance", "pool", "own"): "Allowances, the pool, then each member's own wallet",
}


def show_budget(client: Farebox, group: Group, *, is_staff: bool) -> None:
    wallet = client.budgets.wallet(group.id)
    _show_tokens(wallet, is_staff=is_staff)
    funds = client.budgets.funds(group.id)
    _show_payers(client, group, funds)
    if group.role == "owner":
        _owner_actions(client, group, wallet)
    st.subheader("Spending")
    show_usage(
        OF_STAFF if is_staff else OF_MEMBER,
        lambda by, since: client.budgets.usage(group.id, by, since=since),
        key=f"usage-{group.id}",
    )
    with st.expander("Ledger"):
        show_ledger(islice(client.budgets.ledger(group.id), MAX_ROWS))


def _show_tokens(wallet: GroupWallet, *, is_staff: bool) -> None:
    whose = "In allowances of all members" if is_staff else "In your allowance"
    held = wallet.allowances.held + (wallet.pool.held if wallet.pool else 0)
    figures = {} if wallet.pool is None else {"In the pool": wallet.pool.available}
    figures |= {whose: wallet.allowances.available, "Reserved for running jobs": held}
    for column, (title, count) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(title, f"{count:,}", border=True)


def _show_payers(client: Farebox, group: Group, funds: Funds) -> None:
    text = f"For your work here {tokens(funds.available)} can be spent."
    if funds.renews_at is not None:
        text += f" The next allowance comes on {long_time(funds.renews_at)}."
    st.write(text)
    is_default = client.budgets.funds().group_id == group.id
    label = "Pay with my own wallet" if is_default else "Pay with this group"
    if st.button(label, icon=":material/toll:", key=f"payer-{group.id}"):
        with spinner("Saving"):
            client.budgets.set_payer(None if is_default else group.id)
            payer = "Your own wallet" if is_default else "This group"
            finish("groups", f"{payer} pays for your trainings and predictions from now on.")


def _owner_actions(client: Farebox, group: Group, wallet: GroupWallet) -> None:
    with st.expander("Add tokens to the pool"):
        _fund_form(client, group)
    with st.expander("Allowances"):
        _allowances(client, group)
    with st.expander("Limits"):
        _limits(client, group)
    with st.expander("Who pays"):
        _payment_form(client, group, wallet)


def _fund_form(client: Farebox, group: Group) -> None:
    st.caption("Payments are simulated: no card is charged. An administrator can also grant tokens.")
    with st.form(f"fund-{group.id}", border=False):
        amount = st.number_input("Tokens", min_value=1, max_value=1_000_000, value=500, step=100)
        card = st.text_input("Card number", placeholder="1234-5678-9999-0000", autocomplete="cc-number")
        card_error = st.empty()
        submitted = st.form_submit_button("Buy for the pool", type="primary")
    if submitted:
        with spinner("Paying", {"credit_card": card_error}):
            request = {"group": group.id, "amount": amount, "card": card}
            with idempotency_key("fund", request) as key:
                bought = client.budgets.buy(group.id, int(amount), credit_card=card, idempotency_key=key)
            finish("groups", f"Bought {tokens(bought.amount)}; the pool has {bought.available:,}.")


def _allowances(client: Farebox, group: Group) -> None:
    rules = [rule for rule in client.budgets.allowance_rules(group.id) if not rule.stopped]
    _show_rules(client, group, rules)
    with st.form(f"allow-{group.id}", border=False):
        left, right = st.columns(2)
        amount = left.number_input("Tokens for each member", min_value=1, max_value=1_000_000, value=20)
        every = right.selectbox("Every", list(PERIODS), index=1, format_func=PERIODS.__getitem__)
        submitted = st.form_submit_button("Add allowance", type="primary")
    if submitted:
        with spinner("Issuing"):
            rule = client.budgets.add_allowance_rule(group.id, int(amount), every)
            issued = f"Nobody has any yet: the pool lacks {tokens(rule.short_by)}." if rule.short_by else ""
            text = f"Each member gets {tokens(rule.amount)} every {PERIODS[every]}."
            finish("groups", f"{text} {issued}".strip())


def _show_rules(client: Farebox, group: Group, rules: Sequence[AllowanceRule]) -> None:
    if not rules:
        st.caption("There are no allowances yet.")
        return
    rows = [
        (
            rule.amount,
            PERIODS.get(rule.every, rule.every),
            rule.next_at and long_time(rule.next_at),
            rule.short_by or None,
        )
        for rule in rules
    ]
    show_table(rows, ["Tokens", "Every", "Next", "Missing in the pool"], hide_empty=True)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    selected = left.selectbox("Allowance", rules, format_func=_rule_title, key=f"rule-{group.id}")
    if right.button("Stop", icon=":material/stop:", key=f"stop-{group.id}"):
        with spinner("Stopping"):
            client.budgets.change_allowance_rule(group.id, selected.id, stopped=True)
            finish("groups", "Stopped. Allowances that were issued stay until they expire.")


def _rule_title(rule: AllowanceRule) -> str:
    return f"{tokens(rule.amount)} every {PERIODS.get(rule.every, rule.every)}"


def _limits(client: Farebox, group: Group) -> None:
    limits = list(client.budgets.limits(group.id))
    if limits:
        rows = [
            (
                limit.amount,
                PERIODS.get(limit.every or "", limit.every) or "in all",
                limit.context,
                limit.user_id,
            )
            for limit in limits
        ]
        show_table(rows, ["Tokens", "Every", "Work", "User"], identifiers=["User"], hide_empty=True)
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        selected = left.selectbox(
            "Limit", limits, format_func=lambda limit: tokens(limit.amount), key=f"limit-{group.id}"
        )
        if right.button("Delete limit", icon=":material/delete:", key=f"delete-limit-{group.id}"):
            with spinner("Deleting"):
                client.budgets.delete_limit(group.id, selected.id)
                finish("groups", "Deleted the limit.")
    else:
        st.caption("Members may spend all that the group pays.")
    with st.form(f"add-limit-{group.id}", border=False):
        left, right = st.columns(2)
        amount = left.number_input("The most tokens of each member", min_value=0, value=10)
        choices = [None, *PERIODS]
        every = right.selectbox("Every", choices, format_func=_period_title)
        submitted = st.form_submit_button("Add limit", type="primary")
    if submitted:
        with spinner("Saving"):
            client.budgets.add_limit(group.id, int(amount), every)
            finish("groups", f"Each member spends at most {tokens(int(amount))}.")


def _period_title(every: str | None) -> str:
    return "in all" if every is None else PERIODS.get(every, every)


def _payment_form(client: Farebox, group: Group, wallet: GroupWallet) -> None:
    current = tuple(wallet.pays_from)
    orders = {current: " then ".join(map(title_case, current)), **ORDERS}
    with st.form(f"payment-{group.id}", border=False):
        chosen = st.selectbox(
            "Work is paid from",
            list(orders),
            index=list(orders).index(current),
            format_func=orders.__getitem__,
        )
        submitted = st.form_submit_button("Save", type="primary")
    if submitted:
        with spinner("Saving"):
            client.budgets.set_payment(group.id, chosen)
            finish("groups", f"Work is paid from: {orders[chosen].lower()}.")
