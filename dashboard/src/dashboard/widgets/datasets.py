"""Datasets: upload and selection, first rows, columns and findings."""

from collections.abc import Iterable

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import escape, number, short_time
from dashboard.layout import show_table
from farebox import Farebox
from farebox.results.datasets import Dataset, Finding, InspectedColumn, InspectedDataset

SELECTED = "selected_dataset"
EXTENSIONS = ["csv", "gz", "txt", "tsv", "parquet"]
COLUMN_TYPES = ["number", "text", "date"]
BOXES = {"info": st.info, "warning": st.warning, "serious": st.error}


def select_dataset(client: Farebox) -> InspectedDataset | None:
    datasets = list(client.datasets.list())
    with st.expander("Upload a dataset", expanded=not datasets, icon=":material/upload:"):
        _upload(client)
    if not datasets:
        st.caption("You have no datasets yet. Upload a CSV file with a header line to start.")
        return None
    by_id = {dataset.id: dataset for dataset in datasets}
    if st.session_state.get(SELECTED) not in by_id:
        st.session_state[SELECTED] = datasets[0].id
    selected = st.selectbox(
        "Dataset", list(by_id), format_func=lambda dataset_id: _label(by_id[dataset_id]), key=SELECTED
    )
    return client.datasets.get(selected)


def show_profile(client: Farebox, dataset: InspectedDataset) -> None:
    first_rows, columns, detail = st.tabs(["First rows", "Columns", "Column detail"])
    with first_rows:
        preview = client.datasets.preview(dataset.id)
        frame = pd.DataFrame(preview.rows, columns=preview.columns)
        st.dataframe(frame, hide_index=True, placeholder="")
    with columns:
        _show_columns(dataset.columns)
    with detail:
        by_name = {column.name: column for column in dataset.columns}
        column = by_name[st.selectbox("Column", list(by_name), key=f"dataset-{dataset.id}-column")]
        _show_distribution(column)
        _change_type(client, dataset, column)


def show_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        column = f"**{escape(finding.column)}**: " if finding.column else ""
        BOXES[finding.severity](f"{column}{escape(finding.detail)} {escape(finding.advice)}")


def _upload(client: Farebox) -> None:
    with st.form("upload", clear_on_submit=True, border=False):
        file = st.file_uploader("CSV or Parquet file", type=EXTENSIONS)
        submitted = st.form_submit_button("Add dataset")
    if submitted and file is None:
        st.warning("Select a file first.")
    elif submitted and file is not None:
        with spinner("Uploading and reading the file"):
            dataset = client.datasets.upload(file.getvalue(), name=file.name)
            st.session_state[SELECTED] = dataset.id
            st.rerun()


def _label(dataset: Dataset) -> str:
    return f"{dataset.name} ({dataset.rows:,} rows, {short_time(dataset.created_at)})"


def _show_columns(columns: Iterable[InspectedColumn]) -> None:
    rows = [
        (column.name, _type_of(column), column.missing, column.distinct, *_range(column), _mean(column))
        for column in columns
    ]
    names = ["Column", "Type", "Missing", "Distinct", "Min", "Median", "Max", "Mean"]
    show_table(rows, names)


def _type_of(column: InspectedColumn) -> str:
    return "whole number" if column.kind == "number" and column.whole else column.kind


def _range(column: InspectedColumn) -> list[str | None]:
    if column.quantiles is None:
        return [None] * 3
    values = (column.quantiles.min, column.quantiles.median, column.quantiles.max)
    return [value if isinstance(value, str) else number(value) for value in values]


def _mean(column: InspectedColumn) -> str | None:
    return None if column.mean is None else number(column.mean)


def _show_distribution(column: InspectedColumn) -> None:
    rows = alt.Axis(format=",d", tickMinStep=1)
    if column.histogram is not None:
        edges = column.histogram.edges
        frame = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": column.histogram.counts})
        x = alt.X("low:T" if column.kind == "date" else "low:Q", title=None, scale=alt.Scale(zero=False))
        y = alt.Y("rows:Q", title="Rows", axis=rows)
        chart = alt.Chart(frame).mark_rect().encode(x=x, x2="high", y=y)
    else:
        counts = [(str(entry.value), entry.count) for entry in column.top_values]
        frame = pd.DataFrame(counts, columns=["value", "rows"])
        y = alt.Y("value:N", title=None, sort=None)
        chart = alt.Chart(frame).mark_bar().encode(x=alt.X("rows:Q", title="Rows", axis=rows), y=y)
    st.altair_chart(chart.properties(height=220), alt="Distribution of values")


def _change_type(client: Farebox, dataset: InspectedDataset, column: InspectedColumn) -> None:
    """Select another type: identifiers such as postcodes are better read as text than as numbers."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    current = COLUMN_TYPES.index(column.kind)
    selected = left.selectbox("Type", COLUMN_TYPES, index=current, key=f"type-{column.name}")
    if right.button("Change type", disabled=selected == column.kind):
        with spinner("Reading the dataset again"):
            client.datasets.correct(dataset.id, {column.name: selected})
            st.rerun()
