"""Batch predictions: results of jobs are loaded, shown and offered for download."""

import httpx
import pytest
from tests.unit.client.gateway import Gateway, ok
from tests.unit.client.samples import NOW
from tests.unit.client.samples import job as job_document
from tests.unit.dashboard.conftest import RunPage, page_of

from dashboard.widgets.batch_prediction import FILENAMES
from dashboard.widgets.job_progress import WATCHED_JOB
from farebox.results.models import ModelSchema

pytestmark = pytest.mark.slow
SCHEMA = ModelSchema(
    name="1_penguins", task="regression", label="y", classes=[], features=[], example={"features": {}}
)
PRICE = {"action": "batch", "tokens": 5, "per_units": 1000, "version": 1, "created_at": NOW}
CHARGED = {"X-Tokens-Charged": "5", "X-Tokens-Balance": "10", "X-Receipt-Id": "r1"}


def show_batches() -> None:
    import streamlit as st

    from dashboard.widgets.batch_prediction import batch_form

    batch_form(st.session_state["user_session"].client, st.session_state["schema"])


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.on("GET", "/v1/prices", page_of(PRICE))
    predicted = {**CHARGED, "X-Rows": "2", "X-Rows-Failed": "1", "Content-Type": "text/csv; charset=utf-8"}
    content = b"x,prediction,error\r\n1,2.5,\r\nfar,,'x': It must be a number.\r\n"
    gateway.on("GET", "/v1/jobs/7/result", httpx.Response(200, headers=predicted, content=content))
    return gateway


def batch_job(state: str, **changes: object) -> dict[str, object]:
    return job_document(state, kind="batch", model_name=SCHEMA.name, **changes)


def test_result_of_watched_job_can_be_downloaded(gateway: Gateway, run_page: RunPage) -> None:
    job = batch_job("succeeded", tokens_charged=5)
    gateway.on("GET", "/v1/jobs", page_of(job))
    gateway.on("GET", "/v1/jobs/7", ok(job))
    app = run_page(show_batches, {"schema": SCHEMA, WATCHED_JOB: 7})
    assert app.success[0].value == "Predicted 1 of 2 rows (5 tokens)."
    assert app.session_state["batch_result"].filename == "rows-7.predicted.csv"


def test_earlier_batch_is_fetched_on_request(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/jobs", page_of(batch_job("succeeded", tokens_charged=5)))
    app = run_page(show_batches, {"schema": SCHEMA})
    assert not app.success
    next(button for button in app.button if button.label == "Prepare download").click().run()
    assert app.success[0].value == "Predicted 1 of 2 rows (5 tokens)."


def test_failed_batch_shows_the_reason(gateway: Gateway, run_page: RunPage) -> None:
    failed = batch_job("failed", error={"code": "model_gone", "detail": "The model was deleted."})
    gateway.on("GET", "/v1/jobs", page_of(failed))
    gateway.on("GET", "/v1/jobs/7", ok(failed))
    app = run_page(show_batches, {"schema": SCHEMA, WATCHED_JOB: 7})
    assert app.error[0].value == "**penguins** failed: The model was deleted. Nothing was charged."
    assert not app.success


def test_result_shows_scores_unknown_categories_and_first_rows(gateway: Gateway, run_page: RunPage) -> None:
    headers = {
        **CHARGED,
        "X-Rows": "2",
        "X-Rows-Failed": "0",
        "X-Rows-Unknown-Category": "1",
        "X-Scores": '{"rows":2,"accuracy":0.5}',
        "Content-Type": "text/csv; charset=cp1252",
    }
    content = "größe;prediction;error;unknown_categories\r\nklein;é;;\r\n1234567890123456789;z;;größe\r\n"
    result = httpx.Response(200, headers=headers, content=content.encode("cp1252"))
    gateway.on("GET", "/v1/jobs/7/result", result)
    job = batch_job("succeeded", tokens_charged=5)
    gateway.on("GET", "/v1/jobs", page_of(job))
    gateway.on("GET", "/v1/jobs/7", ok(job))

    app = run_page(show_batches, {"schema": SCHEMA, WATCHED_JOB: 7})

    assert app.warning[0].value.startswith("1 row has a category that the model has not learnt")
    assert [(metric.label, metric.value) for metric in app.metric] == [("Accuracy on this file", "50.0%")]
    assert app.dataframe[0].value.to_dict("list") == {
        "prediction": ["é", "z"],
        "error": ["", ""],
        "unknown_categories": ["", "größe"],
        "größe": ["klein", "1234567890123456789"],
    }


@pytest.mark.parametrize(
    ("uploaded", "media_type", "content", "filename"),
    [
        (
            "birds.xlsx",
            "text/csv; charset=utf-8",
            b"\xef\xbb\xbfx,prediction,error\r\n1,2.5,\r\n",
            "birds.predicted.csv",
        ),
        (
            "birds.jsonl.gz",
            "application/x-ndjson",
            b'{"x": 1, "prediction":2.5,"error":null}\n',
            "birds.predicted.jsonl",
        ),
    ],
)
def test_result_is_named_and_shown_by_its_format(
    gateway: Gateway, run_page: RunPage, uploaded: str, media_type: str, content: bytes, filename: str
) -> None:
    headers = {**CHARGED, "X-Rows": "1", "X-Rows-Failed": "0", "Content-Type": media_type}
    gateway.on("GET", "/v1/jobs/7/result", httpx.Response(200, headers=headers, content=content))
    job = batch_job("succeeded", tokens_charged=5)
    gateway.on("GET", "/v1/jobs", page_of(job))
    gateway.on("GET", "/v1/jobs/7", ok(job))

    app = run_page(show_batches, {"schema": SCHEMA, WATCHED_JOB: 7, FILENAMES: {7: uploaded}})

    assert app.session_state["batch_result"].filename == filename
    assert app.dataframe[0].value.to_dict("list") == {"prediction": ["2.5"], "error": [""], "x": ["1"]}


def test_result_of_another_format_is_offered_without_its_rows(gateway: Gateway, run_page: RunPage) -> None:
    headers = {**CHARGED, "X-Rows": "2", "X-Rows-Failed": "0", "Content-Type": "application/x-other"}
    gateway.on("GET", "/v1/jobs/7/result", httpx.Response(200, headers=headers, content=b"x"))
    job = batch_job("succeeded", tokens_charged=5)
    gateway.on("GET", "/v1/jobs", page_of(job))
    gateway.on("GET", "/v1/jobs/7", ok(job))

    app = run_page(show_batches, {"schema": SCHEMA, WATCHED_JOB: 7})

    assert app.success[0].value == "Predicted 2 of 2 rows (5 tokens)."
    assert not app.dataframe
