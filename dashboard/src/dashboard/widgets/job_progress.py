"""Progress of jobs, polled every second, with a button to cancel."""

import streamlit as st

from dashboard.errors import report_errors
from dashboard.formatting import escape, title_case
from dashboard.widgets.model_summary import given_name, name_in_ledger, type_title
from farebox import Farebox
from farebox.results.jobs import Job, Kind

WATCHED_JOB = "watched_job"


def watch(job: Job) -> None:
    """Select this job as the one whose result is shown once it has ended."""
    st.session_state[WATCHED_JOB] = job.id


def take_ended_job(client: Farebox, kind: Kind) -> Job | None:
    """The watched job, returned once, if it is of this kind and has ended."""
    job_id: int | None = st.session_state.get(WATCHED_JOB)
    job = None if job_id is None else client.jobs.get(job_id)
    if job is None or job.kind != kind or not job.has_ended:
        return None
    del st.session_state[WATCHED_JOB]
    return job


@st.fragment(run_every=1.0)
def show_progress(client: Farebox, job_id: int) -> None:
    with report_errors():
        job = client.jobs.get(job_id)
        if job.has_ended:
            watch(job)
            st.rerun()
        st.progress(job.percent, text=progress_text(job))
        icon = ":material/close:"
        if st.button("Cancel", key=f"cancel-{job.id}", disabled=job.cancel_requested, icon=icon):
            client.jobs.cancel(job.id)
            st.rerun(scope="fragment")


def show_failure(job: Job) -> None:
    title = f"**{job_title(job)}**"
    # A comparison is charged for the scores that it has shown.
    cost = f"{job.tokens_charged} tokens were" if job.tokens_charged else "nothing was"
    if job.error is None:
        st.info(f"{title} was cancelled; {cost} charged.")
    else:
        detail = f"{escape(job.error.detail)} {cost.capitalize()} charged."
        st.error(f"{title} failed: {detail}", icon=":material/error:")


def job_title(job: Job) -> str:
    """Markdown: the name of the model or, for a generated name, its type and label."""
    name = given_name(job.model_name)
    if name is None and job.kind == "train":
        name = f"{type_title(str(job.order.get('model_type')))} for {job.order.get('label')}"
    return escape(name or name_in_ledger(job.model_name))


def progress_text(job: Job) -> str:
    """One line of Markdown."""
    title = f"**{job_title(job)}**"
    if job.cancel_requested:
        return f"{title}: cancelling"
    if job.state == "queued":
        position = f", number {job.queue_position:,} in the queue" if job.queue_position else ""
        return f"{title}: {job.stage or 'queued'}{position}{_time_left(job)}"
    stage = title_case(job.stage or "starting").lower()
    return f"{title}: {stage}{_candidates(job)}, {job.percent}%{_time_left(job)}"


def _candidates(job: Job) -> str:
    """The candidates of a comparison that run, and the number of others."""
    if job.comparison is None or job.stage != "comparing":
        return ""
    running = escape(" and ".join(job.comparison.running) or "candidates")
    later = job.comparison.left - len(job.comparison.running)
    return f" {running}, {job.comparison.finished} of {job.comparison.of} done, {later} to come"


def _time_left(job: Job) -> str:
    return "" if job.estimated_seconds is None else f", about {max(1, round(job.estimated_seconds)):,} s left"
