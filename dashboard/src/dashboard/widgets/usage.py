"""Ledger tables, and charts and tables of tokens spent."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.formatting import local_time, title_case, tokens, utc_now
from dashboard.layout import show_table
from dashboard.widgets.model_summary import name_in_ledger
from farebox.results.wallet import Movement, Receipt, Usage

Group = TypeVar("Group", bound=str)
USAGE_DAYS = 30
ACTIONS = {"train": "Training", "predict": "Prediction", "batch": "Batch prediction", "metadata": "Metadata"}
LEDGER_COLUMNS = ["Date", "Type", "Tokens", "Balance", "Model", "Note"]


def action_title(action: str) -> str:
    return ACTIONS.get(action, title_case(action))


def movement_title(movement: Movement | Receipt) -> str:
    """The action, or the kind of a movement without one, such as a purchase."""
    title = action_title(movement.action or movement.kind)
    return f"{title} (refund)" if movement.kind == "refund" else title


def show_ledger(movements: Iterable[Movement]) -> None:
    rows = [
        (
            local_time(movement.created_at),
            movement_title(movement),
            movement.amount,
            movement.balance,
            movement.resource and name_in_ledger(movement.resource),
            movement.note,
        )
        for movement in movements
    ]
    show_table(rows, LEDGER_COLUMNS, hide_empty=True)


def show_usage(
    groups: Sequence[Group],
    find_usage: Callable[[Group, datetime | None], Iterable[Usage]],
    *,
    key: str | None = None,
) -> None:
    """Usage by day or by another group, as selected."""
    group = st.segmented_control(
        "Group by", groups, default=groups[0], format_func=title_case, required=True, key=key
    )
    since = utc_now() - timedelta(days=USAGE_DAYS) if group == "day" else None
    usage = find_usage(group, since)
    show_daily_usage(usage) if group == "day" else _show_grouped_usage(usage, group)


def show_daily_usage(usage: Iterable[Usage]) -> None:
    """A chart of the last USAGE_DAYS days, with zero for days without usage."""
    spent = {day.group: day.tokens for day in usage}
    if not spent:
        st.caption(f"Nothing spent in the last {USAGE_DAYS} days.")
        return
    days = [(utc_now() - timedelta(days=ago)).date().isoformat() for ago in range(USAGE_DAYS - 1, -1, -1)]
    frame = pd.DataFrame({"day": pd.to_datetime(days), "tokens": [spent.get(day, 0) for day in days]})
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b")),
            y=alt.Y("tokens:Q", title="Tokens spent", axis=alt.Axis(tickMinStep=1, format=",d")),
            tooltip=[alt.Tooltip("day:T", title="Day"), alt.Tooltip("tokens:Q", title="Tokens", format=",d")],
        )
        .properties(height=220)
    )
    total = f"{tokens(sum(spent.values()))} spent in the last {USAGE_DAYS} days"
    st.altair_chart(chart, alt=total)
    st.caption(total)


def _show_grouped_usage(usage: Iterable[Usage], group: str) -> None:
    rows = [(_group_title(row.group, group), row.requests, row.tokens) for row in usage]
    if not rows:
        st.caption("Nothing spent yet.")
        return
    frame = pd.DataFrame(rows, columns=[title_case(group), "Requests", "Tokens"])
    bar = st.column_config.ProgressColumn(format="localized", min_value=0, max_value=max(1, *frame["Tokens"]))
    requests = st.column_config.NumberColumn(format="localized")
    st.dataframe(frame, hide_index=True, column_config={"Tokens": bar, "Requests": requests})


def _group_title(name: str | None, group: str) -> str:
    if name is None:
        return "(none)"
    return {"action": action_title, "model": name_in_ledger}.get(group, str)(name)
