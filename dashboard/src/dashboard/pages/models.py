"""Models: a list, one looked at closely, some compared."""

from functools import partial

import pandas as pd
import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.models.bundle import bundle_of, report_page_of
from dashboard.models.figures import compare, label_of, main_metric, show_figures, title_of
from dashboard.models.leaderboard import show_leaderboard
from dashboard.models.names import brief_names
from dashboard.models.report import show_report
from dashboard.places import link
from dashboard.wording.figures import figure, local, words
from dashboard.wording.sentences import doing, telling
from dashboard.wording.texts import plain
from farebox import Farebox
from farebox.results.models import Model

CHOSEN = "chosen_model"


def show(visit: Visit) -> None:
    st.title("Models")
    models = {each.name: each for each in visit.client.models.list()}
    if not models:
        st.caption("You have no models yet.")
        link("train", "Train the first one")
        return
    one, several, every = st.tabs(["One model", "Compare", "All"])
    with one, telling():
        _show_one(visit.client, models)
    with several, telling():
        _compare(models)
    with every:
        st.dataframe(_table(models), hide_index=True)


def _show_one(client: Farebox, models: dict[str, Model]) -> None:
    if st.session_state.get(CHOSEN) not in models:
        st.session_state[CHOSEN] = next(iter(models))
    name = st.selectbox("Model", list(models), format_func=lambda each: label_of(models[each]), key=CHOSEN)
    model = models[name]
    st.caption(
        f"{words(model.type)}, {model.task}, trained {local(model.created_at):%d %b %Y %H:%M} "
        f"on {model.recipe.training_rows:,} rows and measured on {model.recipe.test_rows:,} others"
    )
    show_figures(model)
    if model.leaderboard:
        show_leaderboard(model.leaderboard)
    with telling():
        show_report(client.models.report(name))
    with st.expander("Recipe: what it was made from"):
        st.dataframe(_recipe(model), hide_index=True)
    link("predict", "Predict with it")
    _offer_files(client, model)
    if st.button("Delete", icon=":material/delete:"):
        _confirm_deletion(client, model)


def _offer_files(client: Farebox, model: Model) -> None:
    left, right = st.columns(2)
    page, zipped = partial(report_page_of, client, model), partial(bundle_of, client, model)
    # Drawing the page anew on a click would forget what was asked for.
    left.download_button(
        "Report as a page",
        page,
        f"{model.name}.html",
        "text/html",
        on_click="ignore",
        icon=":material/download:",
    )
    right.download_button(
        "Export",
        zipped,
        f"{model.name}.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        help="The pipeline, its schema, golden rows and a scorer, to use elsewhere.",
    )


@st.dialog("Delete this model?")
def _confirm_deletion(client: Farebox, model: Model) -> None:
    st.write(f"**{plain(model.name)}** and its files will be gone for good.")
    if st.button("Delete it", type="primary"):
        with doing("Deleting"):
            client.models.delete(model.name)
            st.rerun()


def _compare(models: dict[str, Model]) -> None:
    called = brief_names(list(models.values()))
    chosen = st.multiselect(
        "Models to compare", list(models), default=_first_two(models), format_func=lambda each: called[each]
    )
    if len(chosen) < 2:
        st.caption("Choose two or more.")
    else:
        compare([models[name] for name in chosen])


def _first_two(models: dict[str, Model]) -> list[str]:
    """The newest, and the next that answers the same question."""
    newest = next(iter(models.values()))
    alike = [each.name for each in models.values() if (each.task, each.label) == (newest.task, newest.label)]
    return alike[:2]


def _table(models: dict[str, Model]) -> pd.DataFrame:
    rows = [
        (each.name, each.label, words(each.type), _main_figure(each), local(each.created_at))
        for each in models.values()
    ]
    return pd.DataFrame(rows, columns=["Name", "Predicts", "Type", "How good", "Trained"])


def _main_figure(model: Model) -> str:
    name = main_metric(model)
    return f"{title_of(name)} {figure(model.metrics[name])}"


def _recipe(model: Model) -> pd.DataFrame:
    told = {
        "Label": model.label,
        "Features": ", ".join(model.features),
        **{words(name): value for name, value in model.params.items()},
        "Rows": f"{model.recipe.training_rows:,} to learn from, {model.recipe.test_rows:,} to measure with",
        **model.recipe.versions,
    }
    return pd.DataFrame([(name, str(value)) for name, value in told.items()], columns=["What", "Value"])
