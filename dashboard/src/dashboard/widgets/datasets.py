"""What is in a table: its first rows, its columns, and what is worth knowing before training."""

from collections.abc import Iterable

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.wording.figures import figure
from dashboard.wording.sentences import doing
from dashboard.wording.texts import plain
from farebox import Farebox
from farebox.results.datasets import Finding, InspectedColumn, InspectedDataset

KINDS = ["number", "text", "date"]
SHOW = {"info": st.info, "warning": st.warning, "serious": st.error}


def show_profile(client: Farebox, dataset: InspectedDataset) -> None:
    first, columns, one = st.tabs(["First rows", "Columns", "One column"])
    with first:
        preview = client.datasets.preview(dataset.id)
        st.dataframe(
            pd.DataFrame(preview.rows, columns=preview.columns),
            hide_index=True,
            placeholder="",
        )
    with columns:
        st.dataframe(_table(dataset.columns), hide_index=True, placeholder="")
    with one:
        by_name = {each.name: each for each in dataset.columns}
        chosen = by_name[st.selectbox("Column", list(by_name), key=f"dataset-{dataset.id}-column")]
        _show_column(chosen)
        _offer_kind(client, dataset, chosen)


def show_findings(findings: Iterable[Finding]) -> None:
    for each in findings:
        column = f"**{plain(each.column)}**: " if each.column else ""
        SHOW[each.severity](f"{column}{plain(each.detail)} {plain(each.advice)}")


def kind_of(column: InspectedColumn) -> str:
    return "whole number" if column.kind == "number" and column.whole else column.kind


def _table(columns: Iterable[InspectedColumn]) -> pd.DataFrame:
    rows = [
        (each.name, kind_of(each), each.missing, each.distinct, *_span(each), each.mean) for each in columns
    ]
    names = ["Column", "Kind", "Missing", "Distinct", "Least", "Median", "Most", "Mean"]
    return pd.DataFrame(rows, columns=names)


def _span(column: InspectedColumn) -> list[str | None]:
    if column.quantiles is None:
        return [None] * 3
    found = (column.quantiles.min, column.quantiles.median, column.quantiles.max)
    return [each if isinstance(each, str) else figure(each) for each in found]


def _show_column(column: InspectedColumn) -> None:
    if column.histogram is not None:
        edges = column.histogram.edges
        frame = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": column.histogram.counts})
        x = alt.X("low:T" if column.kind == "date" else "low:Q", title=None, scale=alt.Scale(zero=False))
        chart = alt.Chart(frame).mark_rect().encode(x=x, x2="high", y=alt.Y("rows:Q", title="Rows"))
    else:
        counts = [(str(each.value), each.count) for each in column.top_values]
        frame = pd.DataFrame(counts, columns=["value", "rows"])
        y = alt.Y("value:N", title=None, sort=None)
        chart = alt.Chart(frame).mark_bar().encode(x=alt.X("rows:Q", title="Rows"), y=y)
    st.altair_chart(chart.properties(height=220), alt="How often which values come")


def _offer_kind(client: Farebox, dataset: InspectedDataset, column: InspectedColumn) -> None:
    """Numbers that name something, such as postcodes, are better read as text."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    kind = left.selectbox("Read it as", KINDS, index=KINDS.index(column.kind), key=f"kind-{column.name}")
    if right.button("Change", disabled=kind == column.kind):
        with doing("Reading the table again"):
            client.datasets.correct(dataset.id, {column.name: kind})
            st.rerun()
