"""Tokens spent, drawn."""

from collections.abc import Iterable
from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.wording.figures import today, tokens, words
from farebox.results.wallet import Usage

DAYS = 30


def show_days(usage: Iterable[Usage]) -> None:
    """The last days, also those on which nothing was spent."""
    spent = {each.group: each.tokens for each in usage}
    days = [(today() - timedelta(days=ago)).date().isoformat() for ago in range(DAYS - 1, -1, -1)]
    if not spent:
        st.caption(f"Nothing was spent in the last {DAYS} days.")
        return
    frame = pd.DataFrame({"day": pd.to_datetime(days), "tokens": [spent.get(day, 0) for day in days]})
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b")),
            y=alt.Y("tokens:Q", title="Tokens spent", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[alt.Tooltip("day:T", title="Day"), alt.Tooltip("tokens:Q", title="Tokens")],
        )
        .properties(height=220)
    )
    in_all = f"{tokens(sum(spent.values()))} spent in the last {DAYS} days"
    st.altair_chart(chart, alt=in_all)
    st.caption(in_all)


def show_groups(usage: Iterable[Usage], what: str) -> None:
    """Most first, with bars to compare by."""
    rows = [(_label(each.group), each.requests, each.tokens) for each in usage]
    if not rows:
        st.caption("Nothing was spent yet.")
        return
    frame = pd.DataFrame(rows, columns=[what, "Requests", "Tokens"])
    most = max(1, *(cost for _, _, cost in rows))
    bar = st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most)
    st.dataframe(frame, hide_index=True, column_config={"Tokens": bar})


def _label(group: str | None) -> str:
    return "(none)" if group is None else group


def show_usage(usage: Iterable[Usage], group: str) -> None:
    show_days(usage) if group == "day" else show_groups(usage, words(group))
