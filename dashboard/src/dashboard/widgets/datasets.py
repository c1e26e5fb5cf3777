"""Datasets: upload and selection, first rows, columns and reading."""

from collections.abc import Iterable

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import number, short_time
from dashboard.layout import TABLE_EXTENSIONS, show_table
from dashboard.widgets.reading_fields import file_fields
from dashboard.widgets.reading_panel import reading_panel, show_first_rows, type_title
from farebox import Farebox
from farebox.results.datasets import Dataset, InspectedColumn, InspectedDataset, Reading

SELECTED, UPLOADS = "selected_dataset", "uploads"


def select_dataset(client: Farebox) -> InspectedDataset | None:
    datasets = list(client.datasets.list())
    with st.expander("Upload a dataset", expanded=not datasets, icon=":material/upload:"):
        _upload(client)
    if not datasets:
        st.caption("You have no datasets yet. Upload a table to start.")
        return None
    by_id = {dataset.id: dataset for dataset in datasets}
    if st.session_state.get(SELECTED) not in by_id:
        st.session_state[SELECTED] = datasets[0].id
    selected = st.selectbox(
        "Dataset", list(by_id), format_func=lambda dataset_id: _label(by_id[dataset_id]), key=SELECTED
    )
    return client.datasets.get(selected)


def show_profile(client: Farebox, dataset: InspectedDataset) -> None:
    first_rows, columns, detail, reading = st.tabs(["First rows", "Columns", "Column detail", "Reading"])
    with first_rows:
        show_first_rows(client.datasets.preview(dataset.id), dataset.rows)
    with columns:
        _show_columns(dataset.columns)
    with detail:
        by_name = {column.name: column for column in dataset.columns}
        column = by_name[st.selectbox("Column", list(by_name), key=f"dataset-{dataset.id}-column")]
        _show_distribution(column)
    with reading:
        reading_panel(client, dataset)


def _upload(client: Farebox) -> None:
    # After a refusal the fields stay, so that a setting can be changed; after an upload they are new.
    key = f"upload-{st.session_state.get(UPLOADS, 0)}"
    with st.form(key, border=False):
        file = st.file_uploader(
            "CSV, Excel, Parquet or JSON Lines file", type=TABLE_EXTENSIONS, key=f"{key}-file"
        )
        with st.expander("Settings of the file"):
            settings = file_fields(Reading(), None, key)
        submitted = st.form_submit_button("Add dataset")
    if submitted and file is None:
        st.warning("Select a file first.")
    elif submitted and file is not None:
        with spinner("Uploading and reading the file"):
            dataset = client.datasets.upload(file.getvalue(), name=file.name, reading=settings)
            st.session_state[SELECTED] = dataset.id
            st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1
            st.rerun()


def _label(dataset: Dataset) -> str:
    # Without its rows: the box would keep showing their number after a correction.
    return f"{dataset.name}, {short_time(dataset.created_at)}"


def _show_columns(columns: Iterable[InspectedColumn]) -> None:
    rows = [
        (column.name, type_title(column), column.missing, column.distinct, *_range(column), _mean(column))
        for column in columns
    ]
    names = ["Column", "Type", "Missing", "Distinct", "Min", "Median", "Max", "Mean"]
    st.caption(f"{len(rows):,} columns")
    show_table(rows, names)


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
