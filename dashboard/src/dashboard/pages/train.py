"""Train page: datasets, the training form, progress and results of trainings."""

from datetime import timedelta
from itertools import islice

import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import escape, tokens, utc_now
from dashboard.layout import page_link, show_findings
from dashboard.session.idempotency import idempotency_key
from dashboard.session.user_session import UserSession
from dashboard.widgets import job_progress
from dashboard.widgets.datasets import select_dataset, show_profile
from dashboard.widgets.model_summary import given_name, show_leaderboard, show_metrics, type_title
from dashboard.widgets.reading_panel import NEEDS_DECISION, show_decisions, undecided
from dashboard.widgets.report import show_report
from dashboard.widgets.training_form import TrainingSpec, training_form
from farebox import Farebox
from farebox.results.datasets import Finding
from farebox.results.jobs import Job
from farebox.results.models import Model
from farebox.results.wallet import Quote

RECENT_JOBS = 20
QUOTE = "training_quote"
QUOTE_MARGIN = timedelta(seconds=30)


def show(session: UserSession) -> None:
    st.title("Train")
    client = session.client
    # Listed before ended jobs are shown, so that a job which ends in between is not missed.
    running = _running_jobs(client)
    _show_ended(client)
    for job in running:
        with st.container(border=True):
            job_progress.show_progress(client, job.id)
    dataset = select_dataset(client)
    if dataset is None:
        return
    # Always there, so that the tabs below stay as they are when the last decision is taken.
    with st.container():
        show_decisions(client, dataset)
    show_profile(client, dataset)
    show_findings(finding for finding in dataset.findings if finding.code != NEEDS_DECISION)
    st.subheader("Train a model")
    with report_errors():
        spec = training_form(dataset, list(client.model_types.list()))
        if spec is None:
            st.caption("Select the column to predict to see its findings and the price.")
            return
        show_findings(_label_findings(client, spec))
        _show_price_and_start(client, spec)


def _running_jobs(client: Farebox) -> list[Job]:
    return [
        job for job in islice(client.jobs.list(), RECENT_JOBS) if job.kind == "train" and not job.has_ended
    ]


def _label_findings(client: Farebox, spec: TrainingSpec) -> list[Finding]:
    """Findings that depend on the label."""
    findings = client.datasets.findings(spec.dataset.id, spec.label)
    return [finding for finding in findings if finding not in spec.dataset.findings]


def _show_price_and_start(client: Farebox, spec: TrainingSpec) -> None:
    quote = _quote(client)
    is_comparison = spec.max_trainings > 1
    limit = min(quote.tokens * spec.max_trainings, spec.token_budget or quote.tokens * spec.max_trainings)
    balance = client.budgets.funds().available
    price = f"up to {tokens(limit)}" if is_comparison else tokens(quote.tokens)
    st.write(f"Price: **{price}**, charged only if the training succeeds. You have {tokens(balance)}.")
    obstacle = _find_obstacle(spec)
    if obstacle:
        st.warning(obstacle)
    if st.button(
        f"Train ({price})", type="primary", icon=":material/model_training:", disabled=obstacle is not None
    ):
        with spinner("Starting the training"):
            _start(client, spec, None if is_comparison else quote)
            st.rerun()


def _find_obstacle(spec: TrainingSpec) -> str | None:
    """The reason why this training cannot start."""
    features = spec.options.get("features")
    if not features:
        return "Select at least one feature."
    used = [name for name in undecided(spec.dataset) if name in (spec.label, *features)]
    if used:
        names = ", ".join(f"**{escape(name)}**" for name in used)
        return f"Decide how to read {names} first, at the top of this page, or train without."
    return None


def _quote(client: Farebox) -> Quote:
    """The quote of this session, replaced shortly before it expires."""
    quote: Quote | None = st.session_state.get(QUOTE)
    if quote is None or quote.expires_at - QUOTE_MARGIN < utc_now():
        quote = st.session_state[QUOTE] = client.prices.quote("train")
    return quote


def _start(client: Farebox, spec: TrainingSpec, quote: Quote | None) -> None:
    options = spec.options
    if quote is not None:
        options["quote_id"] = quote.id
    with idempotency_key("train", spec.as_request()) as key:
        options["idempotency_key"] = key
        job_progress.watch(client.models.start(spec.dataset, spec.label, **options))
    st.session_state.pop(QUOTE, None)


def _show_ended(client: Farebox) -> None:
    """The result of the watched training, shown until the next interaction."""
    job = job_progress.take_ended_job(client, "train")
    if job is None:
        return
    if job.state != "succeeded":
        job_progress.show_failure(job)
        return
    model = client.models.get(job.model_name)
    st.success(f"{_title_of(model)} is ready ({tokens(job.tokens_charged)}).", icon=":material/check:")
    show_metrics(model)
    if model.leaderboard:
        show_leaderboard(model.leaderboard)
    with report_errors():
        show_report(client.models.report(job.model_name))
    page_link("predict", "Predict with this model")
    page_link("models", "Show all models")


def _title_of(model: Model) -> str:
    if name := given_name(model.name):
        return f"Your model **{escape(name)}**"
    return f'Your {type_title(model.type).lower()} for "{escape(model.label)}"'
