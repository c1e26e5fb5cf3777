"""Ask a model about one row, or about a file of them."""

import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.models.figures import label_of
from dashboard.orders.once import once
from dashboard.orders.prices import price_of
from dashboard.places import link
from dashboard.questions.answer import show_answer
from dashboard.questions.batch import ask_file
from dashboard.questions.form import ask_row
from dashboard.wording.figures import tokens
from dashboard.wording.sentences import doing, telling
from farebox import Farebox
from farebox.resources.predictions import PredictionOptions
from farebox.results.models import ModelSchema

ANSWER = "answer"
COVERAGE = 0.9


def show(visit: Visit) -> None:
    st.title("Predict")
    models = {each.name: each for each in visit.client.models.list()}
    if not models:
        st.caption("You have no models yet.")
        link("train", "Train the first one")
        return
    name = st.selectbox("Model", list(models), format_func=lambda each: label_of(models[each]))
    with telling():
        schema = visit.client.models.schema(name)
        one, many = st.tabs(["One row", "A file of rows"])
        with one:
            _ask_one(visit.client, schema)
        with many:
            ask_file(visit.client, schema, _limits(schema))


def _ask_one(client: Farebox, schema: ModelSchema) -> None:
    price = price_of(client, "predict")
    with st.form(f"ask-{schema.name}"):
        row = ask_row(schema)
        limits = st.toggle("Tell how sure it is", value=True, help="Costs nothing more.")
        asked = st.form_submit_button(f"Predict for {tokens(price)}", type="primary", icon=":material/bolt:")
    if asked:
        st.session_state.pop(ANSWER, None)
        with doing("Asking the model"):
            options = PredictionOptions(**_limits(schema)) if limits else PredictionOptions()
            with once("predict", {"model": schema.name, "row": row, **options}) as key:
                options["idempotency_key"] = key
                answer = client.predictions.one(schema.name, row, **options)
            st.session_state[ANSWER] = answer
            st.rerun()
    answer = st.session_state.get(ANSWER)
    if answer is not None and answer.model == schema.name:
        show_answer(schema, answer)


def _limits(schema: ModelSchema) -> PredictionOptions:
    if schema.task == "classification":
        return {"coverage": COVERAGE, "probabilities": True}
    return {"coverage": COVERAGE}
