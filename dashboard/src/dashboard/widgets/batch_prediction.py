"""Batch prediction: upload a file of rows, follow its job, download the rows with predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import short_time, tokens
from dashboard.layout import TABLE_EXTENSIONS, download_button, side_by_side
from dashboard.session.idempotency import idempotency_key
from dashboard.widgets import job_progress
from dashboard.widgets.model_summary import metric_title, metric_value
from dashboard.widgets.prediction_result import confidence_options
from farebox import Farebox
from farebox.resources.predictions import PredictionOptions
from farebox.results.jobs import Job
from farebox.results.models import ModelSchema
from farebox.results.predictions import PredictedFile
from farebox.results.wallet import Price

RESULT, FILENAMES = "batch_result", "batch_filenames"
RECENT_JOBS = 50
SHOWN_ROWS = 20


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A predicted file; `first_rows` are None for a format that pages do not show."""

    model: str
    filename: str
    content: bytes
    summary: PredictedFile
    first_rows: pd.DataFrame | None


def batch_form(client: Farebox, schema: ModelSchema) -> None:
    price = next(price for price in client.prices.list() if price.action == "batch")
    st.caption(
        "Upload a table with the model's features as columns and download its rows with their predictions. "
        "Rows with errors are free; a column states the reason. The label's column may stay: it is compared."
    )
    with st.form(f"batch-{schema.name}", border=False):
        file = st.file_uploader("File of rows", type=TABLE_EXTENSIONS)
        confidence = st.toggle("Show confidence for each row", help="No extra cost.")
        submitted = st.form_submit_button(
            f"Predict ({_price_text(price)})", type="primary", icon=":material/bolt:"
        )
    if submitted and file is None:
        st.warning("Select a file first.")
    elif submitted and file is not None:
        with spinner("Uploading the file"):
            options = confidence_options(schema) if confidence else PredictionOptions()
            _start(client, schema.name, (file.name, file.getvalue()), options)
            st.rerun()
    _show_batches(client, schema.name)


def _start(client: Farebox, model: str, file: tuple[str, bytes], options: PredictionOptions) -> None:
    name, content = file
    request = {"model": model, "content": sha256(content).hexdigest(), **options}
    with idempotency_key("batch", request) as key:
        job = client.models.start_batch(model, content, **(options | {"idempotency_key": key}))
    job_progress.watch(job)
    st.session_state.setdefault(FILENAMES, {})[job.id] = name
    st.session_state.pop(RESULT, None)


def _show_batches(client: Farebox, model: str) -> None:
    recent = islice(client.jobs.list(), RECENT_JOBS)
    jobs = [job for job in recent if job.kind == "batch" and job.model_name == model]
    for job in jobs:
        if not job.has_ended:
            with st.container(border=True):
                job_progress.show_progress(client, job.id)
    if (job := job_progress.take_ended_job(client, "batch")) is not None:
        if job.state == "succeeded":
            _fetch(client, job)
        else:
            job_progress.show_failure(job)
    _show_result(model)
    _show_earlier(client, [job for job in jobs if job.state == "succeeded"])


def _fetch(client: Farebox, job: Job) -> None:
    with spinner("Downloading the file"), TemporaryDirectory(prefix="farebox-batch-") as folder:
        summary = client.jobs.result(job.id, Path(folder) / "rows")
        uploaded = st.session_state.get(FILENAMES, {}).get(job.id, f"rows-{job.id}")
        st.session_state[RESULT] = BatchResult(
            job.model_name,
            summary.name_after(uploaded),
            summary.path.read_bytes(),
            summary,
            _first_rows(summary),
        )


def _first_rows(file: PredictedFile) -> pd.DataFrame | None:
    """The first rows, with the columns that the batch has added in front."""
    if file.is_text:
        rows = pd.DataFrame(file.read(SHOWN_ROWS))
    elif "parquet" in file.media_type:
        rows = pd.read_parquet(file.path).head(SHOWN_ROWS)
    else:
        return None
    added = list(rows.columns).index("prediction")
    return rows[[*rows.columns[added:], *rows.columns[:added]]]


def _show_result(model: str) -> None:
    result: BatchResult | None = st.session_state.get(RESULT)
    if result is None or result.model != model:
        return
    summary = result.summary
    cost = f" ({tokens(summary.charge.tokens)})" if summary.charge else ""
    st.success(f"Predicted {summary.rows - summary.failed:,} of {summary.rows:,} rows{cost}.")
    if summary.unknown:
        rows = "1 row has" if summary.unknown == 1 else f"{summary.unknown:,} rows have"
        st.warning(
            f"{rows} a category that the model has not learnt; it counts as missing. "
            "The column unknown_categories names the features."
        )
    if summary.scores:
        _show_scores(summary.scores)
    if result.first_rows is not None:
        st.dataframe(result.first_rows, hide_index=True, placeholder="")
        if summary.rows > SHOWN_ROWS:
            st.caption(f"The first {SHOWN_ROWS} of {summary.rows:,} rows.")
    download_button("Download", result.content, result.filename, primary=True)


def _show_scores(scores: Mapping[str, float | None]) -> None:
    """The comparison of the predictions with the label in the file."""
    rows = scores.get("rows") or 0
    figures = {name: value for name, value in scores.items() if name != "rows"}
    for column, (name, value) in side_by_side(list(figures.items())):
        column.metric(f"{metric_title(name)} on this file", metric_value(name, value), border=True)
    st.caption(f"The predictions of {rows:,.0f} rows are compared with the label in the file.")


def _show_earlier(client: Farebox, jobs: Sequence[Job]) -> None:
    if not jobs:
        return
    with st.expander("Earlier batches", icon=":material/history:"):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        selected = left.selectbox("Batch", jobs, format_func=_label)
        if right.button("Prepare download"):
            _fetch(client, selected)
            st.rerun()


def _label(job: Job) -> str:
    name = st.session_state.get(FILENAMES, {}).get(job.id, f"Job {job.id}")
    return f"{name}, {short_time(job.created_at)} ({tokens(job.tokens_charged)})"


def _price_text(price: Price) -> str:
    return f"{tokens(price.tokens)} per {price.per_units:,} rows"
