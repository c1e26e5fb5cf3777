"""A file of rows in, the same rows with predictions out; a job does it, also when nobody looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from dashboard.jobs import progress
from dashboard.orders.once import once
from dashboard.wording.figures import local, tokens
from dashboard.wording.sentences import doing
from farebox import Farebox
from farebox.resources.predictions import PredictionOptions
from farebox.results.jobs import Job
from farebox.results.models import ModelSchema
from farebox.results.predictions import PredictedFile
from farebox.results.wallet import Price

DONE, NAMES = "predicted_file", "names_of_files"
ENDINGS = ["csv", "gz", "parquet"]
RECENT_JOBS = 50


@dataclass(frozen=True, slots=True)
class Done:
    model: str
    filename: str
    content: bytes
    told: PredictedFile


def ask_file(client: Farebox, schema: ModelSchema, limits: PredictionOptions) -> None:
    price = next(each for each in client.prices.list() if each.action == "batch")
    st.caption(
        "A CSV or Parquet file with the model's columns comes back with a prediction for each row. "
        "A row that cannot be used says why, and is free."
    )
    with st.form(f"batch-{schema.name}", border=False):
        file = st.file_uploader("File of rows", type=ENDINGS)
        wanted = st.toggle("Tell how sure it is of each row", help="Costs nothing more.")
        asked = st.form_submit_button(f"Predict for {_each(price)}", type="primary", icon=":material/bolt:")
    if asked and file is None:
        st.warning("Choose a file first.")
    elif asked and file is not None:
        with doing("Sending the file"):
            options = limits if wanted else PredictionOptions()
            _order(client, schema.name, (file.name, file.getvalue()), options)
            st.rerun()
    _show_files(client, schema.name)


def _order(client: Farebox, model: str, file: tuple[str, bytes], options: PredictionOptions) -> None:
    name, content = file
    with once("batch", {"model": model, "content": sha256(content).hexdigest(), **options}) as key:
        job = client.models.start_batch(model, content, **(options | {"idempotency_key": key}))
    progress.watch(job)
    st.session_state.setdefault(NAMES, {})[job.id] = name.removesuffix(".gz")
    st.session_state.pop(DONE, None)


def _show_files(client: Farebox, model: str) -> None:
    found = (each for each in islice(client.jobs.list(), RECENT_JOBS) if each.kind == "batch")
    jobs = [each for each in found if each.model_name == model]
    for each in jobs:
        if not each.has_ended:
            with st.container(border=True):
                progress.follow(client, each.id)
    if (job := progress.take_ended(client, "batch")) is not None:
        if job.state == "succeeded":
            _fetch(client, job)
        else:
            progress.tell_failure(job)
    _show_done(model)
    _offer_earlier(client, [each for each in jobs if each.state == "succeeded"])


def _fetch(client: Farebox, job: Job) -> None:
    with doing("Fetching the file"), TemporaryDirectory(prefix="farebox-batch-") as folder:
        # The file on disk is named by us alone; what it is called there says nothing to anybody.
        told = client.jobs.result(job.id, Path(folder) / "rows")
        content = told.path.read_bytes()
        st.session_state[DONE] = Done(job.model_name, _filename(job, content), content, told)


def _filename(job: Job, content: bytes) -> str:
    ending = "parquet" if content.startswith(b"PAR1") else "csv"
    sent = Path(st.session_state.get(NAMES, {}).get(job.id, f"rows-{job.id}.{ending}"))
    return f"{sent.stem}.predicted{sent.suffix}"


def _show_done(model: str) -> None:
    done: Done | None = st.session_state.get(DONE)
    if done is None or done.model != model:
        return
    good, cost = done.told.rows - done.told.failed, done.told.charge
    st.success(
        f"{good:,} of {done.told.rows:,} rows are predicted{f' for {tokens(cost.tokens)}' if cost else ''}."
    )
    st.download_button(
        "Download",
        done.content,
        done.filename,
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )


def _offer_earlier(client: Farebox, jobs: Sequence[Job]) -> None:
    if not jobs:
        return
    with st.expander("Files predicted before", icon=":material/history:"):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        chosen = left.selectbox("File", jobs, format_func=_label)
        if right.button("Fetch it"):
            _fetch(client, chosen)
            st.rerun()


def _label(job: Job) -> str:
    name = st.session_state.get(NAMES, {}).get(job.id, f"job {job.id}")
    return f"{name}, {local(job.created_at):%d %b %H:%M}, {tokens(job.tokens_charged)}"


def _each(price: Price) -> str:
    return f"{tokens(price.tokens)} for each started {price.per_units:,} rows"
