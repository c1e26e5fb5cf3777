"""Whether everything runs, and whether the books balance."""

import time

import pandas as pd
import streamlit as st

from dashboard.wording.figures import words
from dashboard.wording.sentences import doing, telling
from farebox import Farebox
from farebox.results.health import SystemHealth
from farebox.results.wallet import LedgerCheck


def show_health(client: Farebox) -> None:
    with telling():
        began = time.monotonic()
        told = client.admin.health()
        if told.not_ready:
            st.error(f"Not ready: {', '.join(told.not_ready)}.")
        else:
            st.success(f"All services are ready; asked and answered in {_since(began)}.")
        st.dataframe(_table(told), hide_index=True)
        _show_jobs(told)
    st.button("Look again", icon=":material/refresh:")


def _table(told: SystemHealth) -> pd.DataFrame:
    rows = [(each.name, each.ready, each.milliseconds, each.detail) for each in told.parts]
    columns = ["Service", "Ready", "Answered in (ms)", "What is wrong"]
    return pd.DataFrame(rows, columns=columns).dropna(axis="columns", how="all")


def _show_jobs(told: SystemHealth) -> None:
    left, middle, right = st.columns(3)
    left.metric("Jobs that wait", _count(told.jobs_queued), border=True)
    middle.metric("Jobs that run", _count(told.jobs_running), border=True)
    right.metric("Workers", _count(told.workers), border=True)
    if told.workers == 0:
        st.warning("No worker is there, so jobs wait; look whether the workers and their scheduler are up.")
    elif told.jobs_queued and not told.jobs_running:
        st.warning("Jobs wait and none runs; if it stays so, look whether the workers are up.")


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def show_books(client: Farebox) -> None:
    if not st.button("Check the ledger", type="primary", icon=":material/fact_check:"):
        st.caption("Derives every balance anew from the ledger, and compares.")
        return
    with doing("Adding up every movement"):
        _show_check(client.admin.verify_ledger())


def _show_check(check: LedgerCheck) -> None:
    if check.balanced:
        st.success(f"The books balance: {check.transfers:,} movements between {check.wallets:,} wallets.")
    else:
        st.error(
            f"The books do not balance: {len(check.differences)} balances differ, the sum is {check.sum}."
        )
        st.dataframe(pd.DataFrame([each.model_dump() for each in check.differences]), hide_index=True)
    house = [(words(name), balance) for name, balance in check.house.items()]
    st.dataframe(pd.DataFrame(house, columns=["The house's accounts", "Tokens"]), hide_index=True)
    st.caption(f"{check.open_holds:,} holds are open.")


def _since(began: float) -> str:
    return f"{(time.monotonic() - began) * 1000:.0f} ms"
