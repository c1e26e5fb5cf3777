"""Administration page: users, prices, usage, system status and the ledger check."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Literal

import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import local_time, title_case, tokens
from dashboard.layout import finish, show_message, show_table
from dashboard.pages.admin_users import MAX_ROWS, show_users
from dashboard.session.user_session import UserSession
from dashboard.widgets.usage import action_title, show_usage
from farebox import Farebox
from farebox.resources.wallet import Action
from farebox.results.health import SystemHealth
from farebox.results.wallet import LedgerCheck, Price, Usage

Group = Literal["day", "action", "model", "user"]
GROUPS: list[Group] = ["day", "action", "model", "user"]
DIFFERENCE_COLUMNS = ["User ID", "Balance", "Recalculated balance", "Reserved", "Recalculated reserved"]
PRICED: list[Action] = ["train", "predict", "batch", "metadata"]


def show(session: UserSession) -> None:
    st.title("Administration")
    client = session.client
    users, prices, usage, system = st.tabs(["Users", "Prices", "Usage", "System"])
    with users, report_errors():
        show_users(client, session.user)
    with prices, report_errors():
        _show_prices(client)
    with usage, report_errors():
        show_usage(GROUPS, lambda group, since: _usage(client, group, since))
    with system, report_errors():
        show_health(client)
        _show_ledger_check(client)


def show_health(client: Farebox) -> None:
    with report_errors():
        start = time.monotonic()
        health = client.admin.health()
        milliseconds = (time.monotonic() - start) * 1000
        if health.not_ready:
            st.error(f"Not ready: {', '.join(health.not_ready)}.")
        else:
            st.success(f"All services are ready (responded in {milliseconds:,.0f} ms).")
        _show_services(health)
        _show_jobs(health)
    st.button("Refresh", icon=":material/refresh:")


def _show_prices(client: Farebox) -> None:
    show_message("price")
    prices = {price.action: price for price in client.prices.list()}
    rows = [
        (
            action_title(price.action),
            price.tokens,
            price.per_units,
            price.version,
            local_time(price.created_at),
        )
        for price in prices.values()
    ]
    columns = ["Action", "Tokens", "Per units", "Price version", "Valid since"]
    show_table(rows, columns, identifiers=["Price version"])
    action: Action = st.selectbox("Action", PRICED, format_func=action_title)
    _price_form(client, action, prices[action])


def _price_form(client: Farebox, action: Action, price: Price) -> None:
    with st.form(f"price-{price.action}-{price.version}", border=False):
        left, right = st.columns(2)
        cost = left.number_input("Tokens", min_value=0, max_value=1_000_000, value=price.tokens)
        units = right.number_input(
            "Per units",
            min_value=1,
            max_value=1_000_000,
            value=price.per_units,
            help="Units are charged in blocks of this size; a started block costs the full price.",
        )
        submitted = st.form_submit_button("Change price", type="primary")
    if submitted:
        with spinner("Changing the price"):
            changed = client.prices.change(action, int(cost), int(units))
            finish("price", f"{action_title(changed.action)} now costs {_price_text(changed)}.")


def _price_text(price: Price) -> str:
    units = "" if price.per_units == 1 else f" per {price.per_units:,} units"
    return f"{tokens(price.tokens)}{units}"


def _usage(client: Farebox, group: Group, since: datetime | None) -> Iterable[Usage]:
    usage = client.admin.usage(group, since=since)
    return _with_user_names(client, usage) if group == "user" else usage


def _with_user_names(client: Farebox, usage: Iterable[Usage]) -> Iterator[Usage]:
    """Usage by name; deleted users, and users beyond the first MAX_ROWS, appear by id."""
    names = {str(user.id): user.name for user in islice(client.admin.users(), MAX_ROWS)}
    for row in usage:
        yield row.model_copy(update={"group": names.get(row.group or "", row.group)})


def _show_services(health: SystemHealth) -> None:
    rows = [(service.name, service.ready, service.milliseconds, service.detail) for service in health.parts]
    columns = ["Service", "Ready", "Response time (ms)", "Problem"]
    show_table(rows, columns, hide_empty=True)


def _show_jobs(health: SystemHealth) -> None:
    left, middle, right = st.columns(3)
    left.metric("Queued", _count(health.jobs_queued), border=True)
    middle.metric("Running", _count(health.jobs_running), border=True)
    right.metric("Workers", _count(health.workers), border=True)
    if health.workers == 0:
        st.warning("No worker is connected, so jobs stay queued. Check the workers and their scheduler.")
    elif health.jobs_queued and not health.jobs_running:
        st.warning("Jobs are queued and none is running. If this continues, check the workers.")


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _show_ledger_check(client: Farebox) -> None:
    if not st.button("Check the ledger", type="primary", icon=":material/fact_check:"):
        st.caption("Recalculates every balance from the ledger and compares it with the stored balance.")
        return
    with spinner("Adding up all transfers"):
        _show_check(client.admin.verify_ledger())


def _show_check(check: LedgerCheck) -> None:
    if check.balanced:
        st.success(f"The books balance: {check.transfers:,} transfers, {check.wallets:,} wallets.")
    else:
        difference = f"{len(check.differences):,} accounts differ and the sum is {check.sum:,} instead of 0"
        st.error(f"The books do not balance: {difference}.")
        rows = [
            (row.owner_id, row.kept_posted, row.derived_posted, row.kept_held, row.derived_held)
            for row in check.differences
        ]
        show_table(rows, DIFFERENCE_COLUMNS, identifiers=["User ID"])
    accounts = [(title_case(name), balance) for name, balance in check.house.items()]
    show_table(accounts, ["System account", "Tokens"])
    st.caption(f"Open holds: {check.open_holds:,}")
