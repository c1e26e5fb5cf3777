"""Models page: details of one model, a comparison, and the list of all models."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import escape, local_time, long_time
from dashboard.layout import download_button, finish, page_link, show_message, show_table
from dashboard.session.user_session import UserSession
from dashboard.widgets.model_summary import (
    HEADLINE,
    display_name,
    display_names,
    main_score,
    metric_title,
    metric_value,
    parameter_title,
    show_leaderboard,
    show_metrics,
    summary_line,
    type_title,
)
from dashboard.widgets.report import show_report
from farebox import Farebox
from farebox.results.models import Model

SELECTED = "selected_model"


def show(session: UserSession) -> None:
    st.title("Models")
    show_message("models")
    models = {model.name: model for model in session.client.models.list()}
    if not models:
        st.caption("You have no models yet.")
        page_link("train", "Train your first model")
        return
    details, comparison, all_models = st.tabs(["Details", "Compare", "All models"])
    with details, report_errors():
        _show_details(session.client, models)
    with comparison, report_errors():
        _show_comparison(models)
    with all_models:
        _show_all(models)


def _show_details(client: Farebox, models: Mapping[str, Model]) -> None:
    if st.session_state.get(SELECTED) not in models:
        st.session_state[SELECTED] = next(iter(models))
    name = st.selectbox(
        "Model", list(models), format_func=lambda name: summary_line(models[name]), key=SELECTED
    )
    model = models[name]
    st.caption(
        f"{type_title(model.type)} ({model.task}), trained {long_time(model.created_at)} "
        f"on {model.recipe.training_rows:,} training rows, measured on {model.recipe.test_rows:,} test rows"
    )
    show_metrics(model)
    if model.leaderboard:
        show_leaderboard(model.leaderboard)
    with report_errors():
        show_report(client.models.report(name))
    with st.expander("Training details"):
        _show_recipe(model)
    page_link("predict", "Predict with a model")
    _show_downloads(client, model)
    if st.button("Delete", icon=":material/delete:"):
        _confirm_deletion(client, model)


def _show_downloads(client: Farebox, model: Model) -> None:
    left, right = st.columns(2)
    with left:
        report = partial(_download, partial(client.models.report_page, model.name))
        download_button("Download report", report, f"{model.name}.html")
    with right:
        bundle = partial(_download, partial(client.models.export, model.name))
        contents = "The model with its schema, sample rows with expected predictions, and a scoring script."
        download_button("Export as zip", bundle, f"{model.name}.zip", help_text=contents)


def _download(save: Callable[[Path], Path]) -> bytes:
    with TemporaryDirectory(prefix="farebox-file-") as folder:
        return save(Path(folder) / "file").read_bytes()


@st.dialog("Delete this model?")
def _confirm_deletion(client: Farebox, model: Model) -> None:
    name = escape(display_name(model))
    st.write(f"**{name}** and its files will be deleted. This cannot be undone.")
    if st.button("Delete model", type="primary"):
        with spinner("Deleting"):
            client.models.delete(model.name)
            finish("models", f"Deleted {name}.")


def _show_comparison(models: Mapping[str, Model]) -> None:
    names = display_names(list(models.values()))
    selected = st.multiselect(
        "Models to compare", list(models), default=_default_pair(models), format_func=lambda name: names[name]
    )
    if len(selected) < 2:
        st.caption("Select two or more models.")
        return
    compared = [models[name] for name in selected]
    _show_comparison_table(compared, names)
    st.altair_chart(_comparison_chart(compared, names), alt="The main metrics of the models side by side")


def _default_pair(models: Mapping[str, Model]) -> list[str]:
    """The newest model, and the next one with the same task and label."""
    newest = next(iter(models.values()))
    comparable = [
        model.name for model in models.values() if (model.task, model.label) == (newest.task, newest.label)
    ]
    return comparable[:2]


def _show_comparison_table(models: Sequence[Model], names: Mapping[str, str]) -> None:
    metrics = list(dict.fromkeys(name for model in models for name in model.metrics))
    rows = [
        (metric_title(name), *(metric_value(name, model.metrics.get(name)) for model in models))
        for name in metrics
    ]
    show_table(rows, ["Metric", *(names[model.name] for model in models)])


def _comparison_chart(models: Sequence[Model], names: Mapping[str, str]) -> alt.Chart:
    """Bars of the main metrics, which share one scale."""
    rows = [
        {
            "metric": metric_title(name),
            "model": names[model.name],
            "value": model.metrics[name],
            "shown": metric_value(name, model.metrics[name]),
        }
        for model in models
        for name in HEADLINE[model.task]
        if name in model.metrics
    ]
    return (
        alt.Chart(pd.DataFrame(rows), height=100 + 24 * len(rows))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=None),
            y=alt.Y("metric:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False)),
            yOffset=alt.YOffset("model:N", sort=None),
            color=alt.Color(
                "model:N",
                title=None,
                sort=None,
                legend=alt.Legend(orient="bottom", columns=1, labelLimit=300),
            ),
            tooltip=[
                alt.Tooltip("metric", title="Metric"),
                alt.Tooltip("model", title="Model"),
                alt.Tooltip("shown", title="Value"),
            ],
        )
    )


def _show_all(models: Mapping[str, Model]) -> None:
    rows = [
        (
            display_name(model),
            model.label,
            type_title(model.type),
            main_score(model),
            local_time(model.created_at),
        )
        for model in models.values()
    ]
    show_table(rows, ["Model", "Label", "Type", "Score", "Trained"])


def _show_recipe(model: Model) -> None:
    settings = {
        "Label": model.label,
        "Features": ", ".join(model.features),
        **{parameter_title(name): value for name, value in model.params.items()},
        "Rows": f"{model.recipe.training_rows:,} training rows, {model.recipe.test_rows:,} test rows",
        "Internal name": model.name,
        **model.recipe.versions,
    }
    show_table([(name, str(value)) for name, value in settings.items()], ["Setting", "Value"])
