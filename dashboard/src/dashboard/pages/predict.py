"""Predict page: predictions for one row, or for a file of rows."""

import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import tokens
from dashboard.layout import page_link
from dashboard.session.idempotency import idempotency_key
from dashboard.session.user_session import UserSession
from dashboard.widgets.batch_prediction import batch_form
from dashboard.widgets.feature_fields import row_fields
from dashboard.widgets.model_summary import summary_line
from dashboard.widgets.prediction_result import confidence_options, show_prediction
from farebox import Farebox
from farebox.resources.predictions import PredictionOptions
from farebox.results.models import ModelSchema

PREDICTION = "prediction"


def show(session: UserSession) -> None:
    st.title("Predict")
    models = {model.name: model for model in session.client.models.list()}
    if not models:
        st.caption("You have no models yet.")
        page_link("train", "Train your first model")
        return
    name = st.selectbox("Model", list(models), format_func=lambda name: summary_line(models[name]))
    with report_errors():
        schema = session.client.models.schema(name)
        one, many = st.tabs(["One row", "File of rows"])
        with one:
            _predict_one(session.client, schema)
        with many:
            batch_form(session.client, schema)


def _predict_one(client: Farebox, schema: ModelSchema) -> None:
    price = next(price.cost_of(1) for price in client.prices.list() if price.action == "predict")
    with st.form(f"predict-{schema.name}"):
        row = row_fields(schema)
        confidence = st.toggle("Show confidence", value=True, help="No extra cost.")
        submitted = st.form_submit_button(
            f"Predict ({tokens(price)})", type="primary", icon=":material/bolt:"
        )
    if submitted:
        st.session_state.pop(PREDICTION, None)
    if submitted and row is not None:
        with spinner("Predicting"):
            options = PredictionOptions(**confidence_options(schema)) if confidence else PredictionOptions()
            with idempotency_key("predict", {"model": schema.name, "row": row, **options}) as key:
                options["idempotency_key"] = key
                prediction = client.predictions.one(schema.name, row, **options)
            st.session_state[PREDICTION] = prediction
            st.rerun()
    prediction = st.session_state.get(PREDICTION)
    if prediction is not None and prediction.model == schema.name:
        show_prediction(schema, prediction)
