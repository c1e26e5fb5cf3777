"""The reading of a dataset: decisions about columns, and corrections with a preview."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.client.gateway import Gateway, ok, problem
from tests.unit.client.samples import NOW
from tests.unit.client.test_reading_options import NEEDS_DECISION, PRICE, TITER
from tests.unit.client.test_readings import dataset as dataset_document
from tests.unit.dashboard.conftest import RunPage, page_of

from farebox.results.datasets import InspectedDataset

pytestmark = pytest.mark.slow
PATH = "/v1/datasets/3"
READING = {
    "encoding": "utf-8",
    "delimiter": ";",
    "quote": '"',
    "header": True,
    "skip_top": 0,
    "skip_bottom": 0,
    "columns": {"price": {"type": "number", "decimal": ","}, "titer 1": {}, "id": {"type": "omitted"}},
}
PREVIEW = {"columns": ["price", "titer 1"], "rows": [[1.5, "<0.05"], [2.5, None]]}
DOCUMENT = dataset_document(
    reading=READING,
    corrections={"columns": {"id": {"type": "omitted"}}},
    columns=[PRICE, TITER],
    findings=[NEEDS_DECISION],
)


def show_decisions() -> None:
    import streamlit as st

    from dashboard.widgets.reading_panel import show_decisions

    show_decisions(st.session_state["user_session"].client, st.session_state["dataset"])


def show_panel() -> None:
    import streamlit as st

    from dashboard.widgets.reading_panel import reading_panel

    reading_panel(st.session_state["user_session"].client, st.session_state["dataset"])


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.on("PATCH", PATH, ok({**DOCUMENT, "preview": PREVIEW}))
    return gateway


def run(run_page: RunPage, script: Callable[[], None]) -> AppTest:
    return run_page(script, {"dataset": InspectedDataset.model_validate(DOCUMENT)})


def requests(gateway: Gateway) -> list[tuple[bool, object]]:
    """The corrections that were sent: whether each was a dry run, and its settings."""
    sent = gateway.requests_to("PATCH", PATH)
    return [("dry_run" in request.url.params, json.loads(request.content)["reading"]) for request in sent]


def select(app: AppTest, label: str, value: object) -> None:
    next(box for box in app.selectbox if box.label == label).select(value).run()


@pytest.mark.parametrize(
    ("button", "settings"),
    [
        ("Read as missing", {"exceptions": "missing"}),
        ("Read as text", {"type": "text"}),
        ("Leave out", {"type": "omitted"}),
    ],
)
def test_column_is_decided_about_by_a_button(
    gateway: Gateway, run_page: RunPage, button: str, settings: object
) -> None:
    app = run(run_page, show_decisions)
    assert "**titer 1** needs a decision" in app.markdown[0].value
    assert "lines 3, 7" in app.markdown[1].value
    assert [each.label for each in app.button] == ["Read as missing", "Read as text", "Leave out"]

    next(each for each in app.button if each.label == button).click().run()

    assert requests(gateway) == [(False, {"columns": {"titer 1": settings}})]


def test_panel_shows_the_reading_and_sends_nothing(gateway: Gateway, run_page: RunPage) -> None:
    app = run(run_page, show_panel)
    fields = {field.label: field.value for field in [*app.selectbox, *app.number_input]}
    assert (fields["Delimiter"], fields["Names of columns"], fields["Lines above the table"]) == (
        ";",
        True,
        0,
    )
    assert app.dataframe[0].value.to_dict("records") == [
        {
            "Column": "price",
            "Type": "Number",
            "Format": "decimal comma",
            "Missing": 0.0,
            "Set by": "Detected",
        },
        {"Column": "titer 1", "Type": "Needs a decision", "Format": "", "Missing": 0.0, "Set by": "Detected"},
        {
            "Column": "id",
            "Type": "Left out",
            "Format": "",
            "Missing": pytest.approx(float("nan"), nan_ok=True),
        }
        | {"Set by": "You"},
    ]
    assert gateway.requests == []


def test_sheet_of_a_workbook_is_selected(gateway: Gateway, run_page: RunPage) -> None:
    reading = {"sheet": "Notes", "header": True, "skip_top": 0, "skip_bottom": 0, "columns": {}}
    document = {**DOCUMENT, "format": "workbook", "sheets": ["Notes", "Birds"], "reading": reading}
    app = run_page(show_panel, {"dataset": InspectedDataset.model_validate(document)})
    sheet = next(box for box in app.selectbox if box.label == "Sheet")
    assert (sheet.options, sheet.value) == (["Notes", "Birds"], "Notes")

    select(app, "Sheet", "Birds")

    assert requests(gateway) == [(True, {"sheet": "Birds"})]


def test_changes_are_shown_once_and_applied_together(gateway: Gateway, run_page: RunPage) -> None:
    app = run(run_page, show_panel)
    select(app, "Encoding", "cp1252")
    select(app, "Column to correct", "titer 1")
    select(app, "Type", "number")
    select(app, "Column to correct", "id")
    select(app, "Column to correct", "titer 1")
    assert next(box for box in app.selectbox if box.label == "Type").value == "number"
    expected = {"encoding": "cp1252", "columns": {"titer 1": {"type": "number"}}}
    assert requests(gateway) == [(True, {"encoding": "cp1252"}), (True, expected)]
    assert app.dataframe[0].value["price"].tolist() == [1.5, 2.5]

    next(each for each in app.button if each.label == "Apply").click().run()

    assert requests(gateway)[2:] == [(False, expected)]
    assert "Apply" not in [each.label for each in app.button]


def test_changes_can_be_discarded(gateway: Gateway, run_page: RunPage) -> None:
    app = run(run_page, show_panel)
    select(app, "Delimiter", ",")
    next(each for each in app.button if each.label == "Discard changes").click().run()

    assert next(box for box in app.selectbox if box.label == "Delimiter").value == ";"
    assert list(app.button) == []
    assert [is_dry for is_dry, _ in requests(gateway)] == [True]


def test_refused_changes_cannot_be_applied(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on(
        "PATCH", PATH, problem(422, "csv_text_in_number_column", "Line 4, column 'titer 1': No number.")
    )
    app = run(run_page, show_panel)
    select(app, "Column to correct", "titer 1")
    select(app, "Type", "whole")

    assert app.error[0].value == "Line 4, column 'titer 1'\\: No number."
    assert next(each for each in app.button if each.label == "Apply").disabled


def show_train_page() -> None:
    import streamlit as st

    from dashboard.pages import train

    train.show(st.session_state["user_session"])


def test_training_on_an_undecided_column_is_disabled_with_the_reason(
    gateway: Gateway, run_page: RunPage
) -> None:
    model_type = {"name": "knn", "title": "KNN", "tasks": ["regression"], "parameters": {}}
    quote = {"id": "q", "action": "train", "tokens": 1, "units": 1, "expires_at": "2099-01-01T00:00:00Z"}
    document = {**DOCUMENT, "suggested": {"label": "price", "features": ["titer 1"]}}
    gateway.on("GET", "/v1/jobs", page_of())
    gateway.on("GET", "/v1/datasets", page_of(document))
    gateway.on("GET", PATH, ok(document))
    gateway.on("GET", f"{PATH}/preview", ok(PREVIEW))
    gateway.on("GET", f"{PATH}/findings", ok({"findings": []}))
    gateway.on("GET", "/v1/model-types", page_of({**model_type, "budget": None, "candidates": None}))
    gateway.on("POST", "/v1/quotes", ok({**quote, "price_version": 1, "created_at": NOW}))

    app = run_page(show_train_page)

    train = next(button for button in app.button if button.label == "Train (1 token)")
    assert train.disabled
    assert "Decide how to read **titer 1** first" in app.warning[-1].value
    assert not any("needs a decision" in error.value for error in app.error)
    app.multiselect[-1].set_value([]).run()
    assert app.warning[-1].value == "Select at least one feature."
