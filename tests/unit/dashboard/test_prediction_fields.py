"""The form generated from a model's schema, and the result of a prediction."""

import datetime

import pytest
from tests.unit.client.gateway import Gateway
from tests.unit.dashboard.conftest import RunPage

from farebox.results.models import ModelSchema
from farebox.results.predictions import Interval, Prediction, PredictionWarning

pytestmark = pytest.mark.slow
SCHEMA = ModelSchema(
    name="7_houses",
    task="regression",
    label="price",
    classes=[],
    features=[
        {"name": "rooms", "kind": "number", "whole": True, "minimum": 1, "maximum": 9, "example": 4},
        {"name": "town", "kind": "text", "categories": ["Ghent", "Liège"], "example": "Ghent"},
        {
            "name": "sold",
            "kind": "date",
            "minimum": "2019-01-01T00:00:00",
            "maximum": "2024-12-31T00:00:00",
            "example": "2020-05-04T00:00:00",
        },
        {"name": "surface", "kind": "number", "whole": False, "minimum": None, "maximum": None},
    ],
    example={"features": {}},
)


SPECIAL = SCHEMA.model_copy(
    update={
        "features": [
            {
                "name": "open",
                "kind": "text",
                "type": "boolean",
                "categories": ["no", "yes"],
                "example": "yes",
            },
            {"name": "at", "kind": "number", "type": "time", "whole": True, "minimum": 0, "maximum": 64200}
            | {"example": 49500},
            {
                "name": "exactly",
                "kind": "number",
                "type": "time",
                "whole": True,
                "minimum": 1,
                "maximum": 64200,
            }
            | {"example": 49500},
            {"name": "seen", "kind": "date", "example": "2025-01-02T03:15:00", "minimum": "2025-01-01"}
            | {"maximum": "2025-01-28T07:15:00"},
            {"name": "logged", "kind": "date", "example": "2025-01-02T03:15:07.250000"}
            | {"minimum": "2025-01-01", "maximum": "2025-01-28"},
            {"name": "id", "kind": "text", "type": "text", "categories": ["1234567890123456789"]}
            | {"example": "1234567890123456789"},
            {"name": "serial", "kind": "number", "whole": True, "minimum": 1, "maximum": 2**60, "example": 5},
        ]
    }
)


def show_form() -> None:
    import streamlit as st

    from dashboard.widgets.feature_fields import row_fields

    st.session_state["row"] = row_fields(st.session_state["schema"])


def show_result() -> None:
    import streamlit as st

    from dashboard.widgets.prediction_result import show_prediction

    show_prediction(st.session_state["schema"], st.session_state["prediction"])


def test_each_kind_of_feature_has_its_own_field(run_page: RunPage) -> None:
    app = run_page(show_form, {"schema": SCHEMA})
    assert app.number_input[0].help == "1 to 9 in the training data"
    assert app.selectbox[0].options == ["Ghent", "Liège"]
    assert app.date_input[0].value == datetime.date(2020, 5, 4)
    assert app.session_state["row"] == {"rooms": 4, "town": "Ghent", "sold": "2020-05-04", "surface": None}


def test_special_features_have_fields_that_lose_nothing(run_page: RunPage) -> None:
    app = run_page(show_form, {"schema": SPECIAL})
    assert app.session_state["row"] == {
        "open": "yes",
        "at": "13:45:00",
        "exactly": "13:45:00",
        "seen": "2025-01-02T03:15:00",
        "logged": "2025-01-02T03:15:07.250000",
        "id": "1234567890123456789",
        "serial": "5",
    }
    assert [field.label for field in app.text_input] == ["exactly", "logged", "serial"]
    assert app.text_input[0].help == "00:00:01 to 17:50:00 in the training data"
    app.text_input[2].set_value("1152921504606846975").run()
    assert app.session_state["row"]["serial"] == "1152921504606846975"


def test_number_that_a_browser_rounds_has_a_message_and_no_row(run_page: RunPage) -> None:
    app = run_page(show_form, {"schema": SCHEMA})
    app.number_input[1].set_value(2.0**53).run()
    assert app.error[0].value == "This number is too long to be exact. Use at most 15 digits."
    assert app.session_state["row"] is None
    app.number_input[1].set_value(2.0**53 - 1).run()
    assert app.session_state["row"]["surface"] == 2.0**53 - 1


def test_predicted_class_is_shown_as_it_is(run_page: RunPage) -> None:
    schema = SCHEMA.model_copy(update={"classes": [2007, 9007199254740993]})
    for label in schema.classes:
        prediction = Prediction(model=SCHEMA.name, prediction=label, warnings=[])
        app = run_page(show_result, {"schema": schema, "prediction": prediction})
        assert app.header[0].value == str(label)


def test_empty_fields_are_sent_as_missing(run_page: RunPage) -> None:
    app = run_page(show_form, {"schema": SCHEMA})
    app.number_input[0].set_value(None)
    app.selectbox[0].set_value(None)
    app.date_input[0].set_value(None)
    app.run()
    assert set(app.session_state["row"].values()) == {None}


def test_numeric_prediction_shows_interval_and_warnings(run_page: RunPage, gateway: Gateway) -> None:
    prediction = Prediction(
        model=SCHEMA.name,
        prediction=250_000.0,
        coverage=0.9,
        interval=Interval(low=200_000, high=310_000),
        warnings=[PredictionWarning(row=1, feature="town", detail="Row 1, 'town': It was never seen.")],
    )
    app = run_page(show_result, {"schema": SCHEMA, "prediction": prediction})
    assert app.header[0].value == "250,000"
    assert "With 90% confidence: between **200,000** and **310,000**." in [
        text.value for text in app.markdown
    ]
    assert app.warning[0].value == "**town**: It was never seen."
    assert gateway.requests == []
