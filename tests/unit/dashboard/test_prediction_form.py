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


def show_form() -> None:
    import streamlit as st

    from dashboard.widgets.prediction_form import row_fields

    st.session_state["row"] = row_fields(st.session_state["schema"])


def show_result() -> None:
    import streamlit as st

    from dashboard.widgets.prediction_form import show_prediction

    show_prediction(st.session_state["schema"], st.session_state["prediction"])


def test_each_kind_of_feature_has_its_own_field(run_page: RunPage) -> None:
    app = run_page(show_form, {"schema": SCHEMA})
    assert app.number_input[0].help == "1 to 9 in the training data"
    assert app.selectbox[0].options == ["Ghent", "Liège"]
    assert app.date_input[0].value == datetime.date(2020, 5, 4)
    assert app.session_state["row"] == {"rooms": 4, "town": "Ghent", "sold": "2020-05-04", "surface": None}


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
