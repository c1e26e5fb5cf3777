"""Whole pages, when the services behind them are away or tell of trouble."""

import pytest
from tests.unit.client.gateway import Gateway, ok, problem
from tests.unit.client.samples import job
from tests.unit.dashboard.conftest import RunPage, page_of

from dashboard.jobs.progress import WATCHED

pytestmark = pytest.mark.slow
PAGES = ("home", "train", "models", "predict", "wallet", "api_keys", "admin")
ANSWERED = {"name": "ml-service", "ready": True, "milliseconds": 1.5, "detail": None}
AWAY = {**ANSWERED, "ready": False, "detail": "It cannot be reached."}


def show_one() -> None:
    import importlib

    import streamlit as st

    from dashboard.wording.sentences import telling

    with telling():
        importlib.import_module(f"dashboard.pages.{st.session_state['page']}").show(st.session_state["visit"])


def show_the_system() -> None:
    import streamlit as st

    from dashboard.people.health import show_health

    show_health(st.session_state["visit"].client)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_whose_services_are_away_says_so_in_sentences(
    gateway: Gateway, run_page: RunPage, page: str
) -> None:
    away = problem(503, "upstream_down", "This part of Farebox cannot be reached right now.")
    for path in ("me/wallet", "models", "jobs", "datasets", "api-keys", "users"):
        gateway.on("GET", f"/v1/{path}", away)
    app = run_page(show_one, {"page": page})
    assert app.error[0].value.startswith("This part of Farebox cannot be reached right now.")
    assert not app.exception


def test_a_service_that_is_not_ready_is_named(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on(
        "GET", "/v1/health", ok({"parts": [AWAY], "jobs_queued": None, "jobs_running": None, "workers": None})
    )
    app = run_page(show_the_system)
    assert app.error[0].value == "Not ready: ml-service."
    assert app.dataframe[0].value["What is wrong"].tolist() == ["It cannot be reached."]
    assert [each.value for each in app.metric] == ["–", "–", "–"]


def test_jobs_that_wait_while_none_runs_are_remarked_on(gateway: Gateway, run_page: RunPage) -> None:
    health = {"parts": [ANSWERED], "jobs_queued": 4, "jobs_running": 0, "workers": 2}
    gateway.on("GET", "/v1/health", ok(health))
    app = run_page(show_the_system)
    assert "All services are ready" in app.success[0].value
    assert app.warning[0].value.startswith("Jobs wait and none runs")
    assert [each.value for each in app.metric] == ["4", "0", "2"]


def test_missing_workers_are_remarked_on(gateway: Gateway, run_page: RunPage) -> None:
    health = {"parts": [ANSWERED], "jobs_queued": 0, "jobs_running": 0, "workers": 0}
    gateway.on("GET", "/v1/health", ok(health))
    app = run_page(show_the_system)
    assert app.warning[0].value.startswith("No worker is there")


def test_a_training_that_ended_before_anybody_looked_is_told_once(
    gateway: Gateway, run_page: RunPage
) -> None:
    ended = job("failed", error={"code": "training_failed", "detail": "All rows are alike."})
    gateway.on("GET", "/v1/jobs/7", ok(ended))
    for path in ("jobs", "datasets"):
        gateway.on("GET", f"/v1/{path}", page_of())
    app = run_page(show_one, {"page": "train", WATCHED: 7})
    assert app.error[0].value == "**penguins** failed: All rows are alike. Nothing was charged."
    app.run()
    assert not app.error
