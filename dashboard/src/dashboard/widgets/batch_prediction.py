"""Batch prediction: upload a file of rows, follow its job, download the rows with predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from dashboard.errors import spinner
from dashboard.formatting import short_time, tokens
from dashboard.layout import download_button
from dashboard.session.idempotency import idempotency_key
from dashboard.widgets import job_progress
from dashboard.widgets.prediction_form import confidence_options
from farebox import Farebox
from farebox.resources.predictions import PredictionOptions
from farebox.results.jobs import Job
from farebox.results.models import ModelSchema
from farebox.results.predictions import PredictedFile
from farebox.results.wallet import Price

RESULT, FILENAMES = "batch_result", "batch_filenames"
EXTENSIONS = ["csv", "gz", "parquet"]
RECENT_JOBS = 50


@dataclass(frozen=True, slots=True)
class BatchResult:
    model: str
    filename: str
    content: bytes
    summary: PredictedFile


def batch_form(client: Farebox, schema: ModelSchema) -> None:
    price = next(price for price in client.prices.list() if price.action == "batch")
    st.caption(
        "Upload a CSV or Parquet file with the model's features as columns and download the rows with their "
        "predictions. Rows with errors are free; a column states the reason."
    )
    with st.form(f"batch-{schema.name}", border=False):
        file = st.file_uploader("File of rows", type=EXTENSIONS)
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
    st.session_state.setdefault(FILENAMES, {})[job.id] = name.removesuffix(".gz")
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
        content = summary.path.read_bytes()
        st.session_state[RESULT] = BatchResult(job.model_name, _filename(job, content), content, summary)


def _filename(job: Job, content: bytes) -> str:
    extension = "parquet" if content.startswith(b"PAR1") else "csv"
    uploaded = Path(st.session_state.get(FILENAMES, {}).get(job.id, f"rows-{job.id}.{extension}"))
    return f"{uploaded.stem}.predicted{uploaded.suffix}"


def _show_result(model: str) -> None:
    result: BatchResult | None = st.session_state.get(RESULT)
    if result is None or result.model != model:
        return
    rows, charge = result.summary.rows, result.summary.charge
    cost = f" ({tokens(charge.tokens)})" if charge else ""
    st.success(f"Predicted {rows - result.summary.failed:,} of {rows:,} rows{cost}.")
    download_button("Download", result.content, result.filename, primary=True)


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
