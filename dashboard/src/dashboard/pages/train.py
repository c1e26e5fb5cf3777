"""From a table to a model."""

from itertools import islice

import streamlit as st

from dashboard.datasets.choice import choose_dataset
from dashboard.datasets.profile import show_findings, show_profile
from dashboard.jobs import progress
from dashboard.logins.visits import Visit
from dashboard.models.figures import show_figures
from dashboard.models.leaderboard import show_leaderboard
from dashboard.models.report import show_report
from dashboard.orders.once import once
from dashboard.orders.prices import forget_quote, most_trainings, training_quote
from dashboard.orders.training import Order, ask_order
from dashboard.places import link
from dashboard.wording.figures import tokens
from dashboard.wording.sentences import doing, telling
from farebox import Farebox
from farebox.results.datasets import Finding
from farebox.results.jobs import Job
from farebox.results.wallet import Quote

RECENT_JOBS = 20


def show(visit: Visit) -> None:
    st.title("Train")
    client = visit.client
    # Looked up first: whatever ends from now on is either told at once or followed.
    under_way = _under_way(client)
    _show_ended(client)
    for job in under_way:
        with st.container(border=True):
            progress.follow(client, job.id)
    dataset = choose_dataset(client)
    if dataset is None:
        return
    show_profile(client, dataset)
    show_findings(dataset.findings)
    st.subheader("What to learn")
    with telling():
        order = ask_order(dataset, list(client.model_types.list()))
        show_findings(_of_label(client, order))
        _offer(client, order)


def _under_way(client: Farebox) -> list[Job]:
    return [
        job for job in islice(client.jobs.list(), RECENT_JOBS) if job.kind == "train" and not job.has_ended
    ]


def _of_label(client: Farebox, order: Order) -> list[Finding]:
    """What only shows once it is known what to predict."""
    found = client.datasets.findings(order.dataset.id, order.label)
    return [each for each in found if each not in order.dataset.findings]


def _offer(client: Farebox, order: Order) -> None:
    quote, several = training_quote(client), most_trainings(order.kind)
    most = min(quote.tokens * several, order.most_tokens or quote.tokens * several)
    balance = client.wallet.balance().available
    price = tokens(quote.tokens) if several == 1 else f"at most {tokens(most)}"
    st.write(f"This costs **{price}**; you have {balance:,}. A training that fails costs nothing.")
    if not order.options.get("features"):
        st.warning("Choose at least one feature.")
    elif st.button(f"Train for {price}", type="primary", icon=":material/model_training:"):
        with doing("Ordering the training"):
            _start(client, order, quote if several == 1 else None)
            st.rerun()


def _start(client: Farebox, order: Order, quote: Quote | None) -> None:
    options = order.options
    if quote is not None:
        options["quote_id"] = quote.id
    with once("train", order.described()) as key:
        options["idempotency_key"] = key
        progress.watch(client.models.start(order.dataset, order.label, **options))
    forget_quote()


def _show_ended(client: Farebox) -> None:
    """How the training that was ordered or followed here has ended, until something else is done."""
    job = progress.take_ended(client, "train")
    if job is None:
        return
    if job.state != "succeeded":
        progress.tell_failure(job)
        return
    st.success(
        f"**{progress.title_of(job)}** is trained, for {tokens(job.tokens_charged)}.", icon=":material/check:"
    )
    model = client.models.get(job.model_name)
    show_figures(model)
    if model.leaderboard:
        show_leaderboard(model.leaderboard)
    with telling():
        show_report(client.models.report(job.model_name))
    link("predict", "Predict with it")
    link("models", "See all about it")
