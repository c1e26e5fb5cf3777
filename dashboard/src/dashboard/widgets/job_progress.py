"""A job under way, looked at once a second, with a button that ends it."""

import streamlit as st

from dashboard.models.names import given_name
from dashboard.wording.figures import words
from dashboard.wording.sentences import telling
from dashboard.wording.texts import plain
from farebox import Farebox
from farebox.results.jobs import Job, Kind

WATCHED = "watched_job"


def watch(job: Job) -> None:
    """Tell how this job ends."""
    st.session_state[WATCHED] = job.id


def take_ended(client: Farebox, kind: Kind) -> Job | None:
    """The watched job, if it is of this kind and has ended; it is told once."""
    job_id: int | None = st.session_state.get(WATCHED)
    job = None if job_id is None else client.jobs.get(job_id)
    if job is None or job.kind != kind or not job.has_ended:
        return None
    del st.session_state[WATCHED]
    return job


@st.fragment(run_every=1.0)
def follow(client: Farebox, job_id: int) -> None:
    with telling():
        job = client.jobs.get(job_id)
        if job.has_ended:
            watch(job)
            st.rerun()
        st.progress(job.percent, text=how_far(job))
        if st.button(
            "Cancel", key=f"cancel-{job.id}", disabled=job.cancel_requested, icon=":material/close:"
        ):
            client.jobs.cancel(job.id)
            st.rerun(scope="fragment")


def how_far(job: Job) -> str:
    """One line of Markdown."""
    name = f"**{title_of(job)}**"
    if job.cancel_requested:
        return f"{name}: is being cancelled"
    if job.state == "queued":
        place = f", number {job.queue_position} in the queue" if job.queue_position else ""
        return f"{name}: waits for its turn{place}{_left(job)}"
    return f"{name}: {words(job.stage or 'starting').lower()}, {job.percent} %{_left(job)}"


def title_of(job: Job) -> str:
    """What the model is called, or what it does when nobody gave it a name; as Markdown."""
    made_up = f"{words(str(job.order.get('model_type')))} for {job.order.get('label')}"
    return plain(given_name(job.model_name) or (made_up if job.kind == "train" else job.model_name))


def tell_failure(job: Job) -> None:
    name = f"**{title_of(job)}**"
    if job.error is None:
        st.info(f"{name} was cancelled; nothing was charged.")
    else:
        st.error(f"{name} failed: {plain(job.error.detail)} Nothing was charged.", icon=":material/error:")


def _left(job: Job) -> str:
    return "" if job.estimated_seconds is None else f", about {max(1, round(job.estimated_seconds))} s left"
