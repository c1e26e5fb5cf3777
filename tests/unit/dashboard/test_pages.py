"""Whole pages, with services that are down or report problems."""

import pytest
from tests.unit.client.gateway import Gateway, ok, problem
from tests.unit.client.samples import NOW, job
from tests.unit.dashboard.conftest import RunPage, page_of

from dashboard.widgets.job_progress import WATCHED_JOB

pytestmark = pytest.mark.slow
PAGES = ("home", "train", "models", "predict", "wallet", "api_keys", "admin")
READY = {"name": "ml-service", "ready": True, "milliseconds": 1.5, "detail": None}
DOWN = {**READY, "ready": False, "detail": "It cannot be reached."}


def show_page() -> None:
    import importlib

    import streamlit as st

    from dashboard.errors import report_errors

    with report_errors():
        page = importlib.import_module(f"dashboard.pages.{st.session_state['page']}")
        page.show(st.session_state["user_session"])


def show_system() -> None:
    import streamlit as st

    from dashboard.pages.admin import show_health

    show_health(st.session_state["user_session"].client)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_an_error_when_services_are_down(gateway: Gateway, run_page: RunPage, page: str) -> None:
    down = problem(503, "upstream_down", "This part of Farebox cannot be reached right now.")
    for path in ("me/wallet", "models", "jobs", "datasets", "api-keys", "users"):
        gateway.on("GET", f"/v1/{path}", down)
    app = run_page(show_page, {"page": page})
    assert app.error[0].value.startswith("This part of Farebox cannot be reached right now.")
    assert not app.exception


def test_service_that_is_not_ready_is_named(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on(
        "GET", "/v1/health", ok({"parts": [DOWN], "jobs_queued": None, "jobs_running": None, "workers": None})
    )
    app = run_page(show_system)
    assert app.error[0].value == "Not ready: ml-service."
    assert app.dataframe[0].value["Problem"].tolist() == ["It cannot be reached."]
    assert [metric.value for metric in app.metric] == ["–", "–", "–"]


def test_queued_jobs_without_running_ones_show_a_warning(gateway: Gateway, run_page: RunPage) -> None:
    health = {"parts": [READY], "jobs_queued": 4, "jobs_running": 0, "workers": 2}
    gateway.on("GET", "/v1/health", ok(health))
    app = run_page(show_system)
    assert "All services are ready" in app.success[0].value
    assert app.warning[0].value.startswith("Jobs are queued and none is running")
    assert [metric.value for metric in app.metric] == ["4", "0", "2"]


def test_missing_workers_show_a_warning(gateway: Gateway, run_page: RunPage) -> None:
    health = {"parts": [READY], "jobs_queued": 0, "jobs_running": 0, "workers": 0}
    gateway.on("GET", "/v1/health", ok(health))
    app = run_page(show_system)
    assert app.warning[0].value.startswith("No worker is connected")


def test_result_of_ended_training_is_shown_once(gateway: Gateway, run_page: RunPage) -> None:
    ended = job("failed", error={"code": "training_failed", "detail": "All rows are alike."})
    gateway.on("GET", "/v1/jobs/7", ok(ended))
    for path in ("jobs", "datasets"):
        gateway.on("GET", f"/v1/{path}", page_of())
    app = run_page(show_page, {"page": "train", WATCHED_JOB: 7})
    assert app.error[0].value == "**penguins** failed: All rows are alike. Nothing was charged."
    app.run()
    assert not app.error


def test_label_without_a_suggestion_is_selected_by_the_user(gateway: Gateway, run_page: RunPage) -> None:
    column = {"kind": "number", "missing": 0, "whole": True, "distinct": 9, "quantiles": None, "mean": 1.0}
    columns = [{**column, "name": name, "top_values": [], "histogram": None} for name in ("low", "bwt")]
    dataset = {"id": 3, "name": "births.csv", "rows": 189, "column_count": 2, "size_bytes": 9, "sha256": ""}
    dataset |= {"created_at": NOW, "columns": columns, "format": "csv", "dialect": None, "duplicate_rows": 0}
    dataset |= {"findings": [], "suggested": {"label": None, "features": ["low", "bwt"]}}
    forest = {"name": "random_forest", "title": "Random forest", "tasks": [], "parameters": {}}
    gateway.on("GET", "/v1/jobs", page_of())
    gateway.on("GET", "/v1/datasets", page_of(dataset))
    gateway.on("GET", "/v1/datasets/3", ok(dataset))
    gateway.on("GET", "/v1/datasets/3/preview", ok({"columns": ["low", "bwt"], "rows": [[0, 2523]]}))
    gateway.on("GET", "/v1/model-types", page_of({**forest, "budget": None, "candidates": None}))
    app = run_page(show_page, {"page": "train"})
    [label] = [box for box in app.selectbox if box.label == "Label (column to predict)"]
    assert label.value is None
    assert app.caption[-1].value.startswith("Select the column to predict")
    assert not [button for button in app.button if button.label.startswith("Train")]


def test_wallet_page_has_no_purchase_form_when_purchases_are_off(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/me/ledger", page_of())
    gateway.on("GET", "/v1/me/usage", page_of())
    gateway.on("GET", "/v1/prices", ok({"items": [], "purchases": "off"}))
    app = run_page(show_page, {"page": "wallet"})
    assert app.info[-1].value.startswith("Tokens cannot be bought on this installation")
    assert "Buy" not in [button.label for button in app.button]
