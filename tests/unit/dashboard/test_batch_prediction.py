"""Files of rows: ordered of a job, followed, and fetched when it has ended."""

import httpx
import pytest
from tests.unit.client.gateway import Gateway, ok
from tests.unit.client.samples import NOW, job
from tests.unit.dashboard.conftest import RunPage, page_of

from dashboard.jobs.progress import WATCHED
from farebox.results.models import ModelSchema

pytestmark = pytest.mark.slow
SCHEMA = ModelSchema(
    name="1_penguins", task="regression", label="y", classes=[], features=[], example={"features": {}}
)
PRICE = {"action": "batch", "tokens": 5, "per_units": 1000, "version": 1, "created_at": NOW}
CHARGED = {"X-Tokens-Charged": "5", "X-Tokens-Balance": "10", "X-Receipt-Id": "r1"}


def look() -> None:
    import streamlit as st

    from dashboard.questions.batch import ask_file

    ask_file(st.session_state["visit"].client, st.session_state["schema"], {})


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.on("GET", "/v1/prices", page_of(PRICE))
    predicted = {**CHARGED, "X-Rows": "2", "X-Rows-Failed": "1"}
    gateway.on("GET", "/v1/jobs/7/result", httpx.Response(200, headers=predicted, content=b"x\r\n"))
    return gateway


def ended(state: str, **changes: object) -> dict[str, object]:
    return job(state, kind="batch", model_name=SCHEMA.name, **changes)


def test_a_file_that_is_predicted_can_be_downloaded(gateway: Gateway, run_page: RunPage) -> None:
    done = ended("succeeded", tokens_charged=5)
    gateway.on("GET", "/v1/jobs", page_of(done))
    gateway.on("GET", "/v1/jobs/7", ok(done))
    app = run_page(look, {"schema": SCHEMA, WATCHED: 7})
    assert app.success[0].value == "1 of 2 rows are predicted for 5 tokens."
    assert app.session_state["predicted_file"].filename == "rows-7.predicted.csv"


def test_a_file_of_an_earlier_day_is_fetched_when_asked_for(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/jobs", page_of(ended("succeeded", tokens_charged=5)))
    app = run_page(look, {"schema": SCHEMA})
    assert not app.success
    next(each for each in app.button if each.label == "Fetch it").click().run()
    assert app.success[0].value == "1 of 2 rows are predicted for 5 tokens."


def test_a_file_that_failed_says_why(gateway: Gateway, run_page: RunPage) -> None:
    failed = ended("failed", error={"code": "model_gone", "detail": "The model was deleted."})
    gateway.on("GET", "/v1/jobs", page_of(failed))
    gateway.on("GET", "/v1/jobs/7", ok(failed))
    app = run_page(look, {"schema": SCHEMA, WATCHED: 7})
    assert app.error[0].value == "**penguins** failed: The model was deleted. Nothing was charged."
    assert not app.success
