"""How good a model is, beside the baseline that knows only the label."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.models.names import brief_names, given_name
from dashboard.wording.figures import figure, local
from dashboard.wording.texts import plain
from farebox.results.models import Model

TITLES = {"r2_score": "R²", "f1_score": "F1", "roc_auc": "ROC AUC", "rmse": "RMSE"}
MAIN = {"classification": ["accuracy", "balanced_accuracy", "roc_auc"], "regression": ["r2_score"]}
MOST_SHOWN = 3


def title_of(metric: str) -> str:
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def main_metric(model: Model) -> str:
    return next(name for name in [*MAIN[model.task], *model.metrics] if name in model.metrics)


def label_of(model: Model) -> str:
    """A model in one line, for lists to choose from; a name that the service made up says nothing."""
    given = given_name(model.name)
    kind, when = model.type.replace("_", " "), f"{local(model.created_at):%d %b %H:%M}"
    metric = main_metric(model)
    name = f"{given}: " if given else ""
    return f"{name}{model.label} by {kind}, {when} ({title_of(metric)} {figure(model.metrics[metric])})"


def show_figures(model: Model) -> None:
    names = [name for name in [*MAIN[model.task], *model.metrics] if name in model.metrics]
    shown = list(dict.fromkeys(names))[:MOST_SHOWN]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        better = _difference(model, name)
        column.metric(
            title_of(name),
            figure(model.metrics[name]),
            better,
            delta_color="off",
            delta_arrow="off",
            border=True,
        )
    for warning in model.warnings:
        st.warning(plain(warning))


def compare(models: Sequence[Model]) -> None:
    """Side by side: a table of all figures, and a chart of the ones that can be drawn on one scale."""
    names = list(dict.fromkeys(name for model in models for name in model.metrics))
    called = brief_names(models)
    frame = pd.DataFrame({called[each.name]: [each.metrics.get(name) for name in names] for each in models})
    frame.insert(0, "Figure", [title_of(name) for name in names])
    st.dataframe(frame, hide_index=True, placeholder="–")
    drawn = [
        {"figure": title_of(name), "model": called[model.name], "value": model.metrics[name]}
        for model in models
        for name in MAIN[model.task]
        if name in model.metrics
    ]
    st.altair_chart(_side_by_side(pd.DataFrame(drawn)), alt="The models' main figures beside each other")


def _side_by_side(frame: pd.DataFrame) -> alt.Chart:
    return (
        alt.Chart(frame, height=100 + 24 * len(frame))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=None),
            y=alt.Y("figure:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False)),
            yOffset=alt.YOffset("model:N", sort=None),
            color=alt.Color(
                "model:N",
                title=None,
                sort=None,
                legend=alt.Legend(orient="bottom", columns=1, labelLimit=300),
            ),
            tooltip=["figure", "model", alt.Tooltip("value", format=".4f")],
        )
    )


def _difference(model: Model, name: str) -> str | None:
    base = model.baseline.get(name)
    return None if base is None else f"baseline {figure(base)}"
