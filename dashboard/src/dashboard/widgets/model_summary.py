"""Names, metrics and leaderboards of models, in the same form on every page."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from dashboard.formatting import escape, number, percent, score, short_time, title_case
from dashboard.layout import show_table
from farebox import Farebox, FareboxError
from farebox.results.models import Candidate, Model

TYPE_TITLES = "type_titles"
OWNER_PREFIX = re.compile(r"^\d+_")
GENERATED_NAME = re.compile(r"\d+_([a-z_]+)_(\d{8}_\d{6})_\d+")
METRICS = {"r2_score": "R²", "f1_macro": "F1", "roc_auc": "ROC AUC"}
SHARES = {"accuracy", "balanced_accuracy", "precision_macro", "recall_macro"}
SCORES = {"r2_score", "f1_macro", "roc_auc", "log_loss"}
PARAMETERS = {
    "n_estimators": "Number of trees",
    "n_neighbors": "Number of neighbours",
    "max_depth": "Maximum depth",
    "max_iter": "Maximum iterations",
    "max_leaf_nodes": "Maximum leaves per tree",
    "min_samples_split": "Minimum rows to split",
    "min_samples_leaf": "Minimum rows per leaf",
    "l2_regularization": "L2 regularization",
}
HEADLINE = {"classification": ["accuracy", "balanced_accuracy", "roc_auc"], "regression": ["r2_score"]}
MAX_CARDS = 3


def load_type_titles(client: Farebox) -> None:
    """Load the titles of model types once a session; if that fails, pages show their names as words."""
    if TYPE_TITLES not in st.session_state:
        try:
            st.session_state[TYPE_TITLES] = {
                model_type.name: model_type.title for model_type in client.model_types.list()
            }
        except FareboxError:
            return


def type_title(name: str) -> str:
    titles: Mapping[str, str] = st.session_state.get(TYPE_TITLES, {})
    return titles.get(name, title_case(name))


def given_name(name: str) -> str | None:
    """The name without the owner's number, or None for a name that the service generated."""
    return OWNER_PREFIX.sub("", name) if GENERATED_NAME.fullmatch(name) is None else None


def display_name(model: Model) -> str:
    """The name of a model on all pages, such as "Random forest for species, 22 Nov 08:19"."""
    return given_name(model.name) or (
        f"{type_title(model.type)} for {model.label}, {short_time(model.created_at)}"
    )


def display_names(models: Sequence[Model]) -> dict[str, str]:
    """Distinct display names by internal name."""
    names = {model.name: display_name(model) for model in models}
    if len(set(names.values())) < len(models):
        names = {model.name: f"{names[model.name]} ({model.name})" for model in models}
    return names


def name_in_ledger(name: str) -> str:
    """A display name from the internal name alone, because the model may be deleted."""
    generated = GENERATED_NAME.fullmatch(name)
    if generated is None:
        return OWNER_PREFIX.sub("", name)
    moment = datetime.strptime(generated[2], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    return f"{type_title(generated[1])}, {short_time(moment)}"


def summary_line(model: Model) -> str:
    """One line of a select box: name, label and main metric."""
    label = [model.label] if given_name(model.name) else []
    return " · ".join([display_name(model), *label, main_score(model)])


def main_score(model: Model) -> str:
    name = next(name for name in [*HEADLINE[model.task], *model.metrics] if name in model.metrics)
    return f"{metric_title(name)} {metric_value(name, model.metrics[name])}"


def metric_title(name: str) -> str:
    return METRICS.get(name, title_case(name.removesuffix("_macro")))


def metric_value(name: str, value: float | None) -> str:
    if name in SHARES:
        return percent(value)
    return score(value) if name in SCORES else number(value)


def parameter_title(name: str) -> str:
    return PARAMETERS.get(name, title_case(name))


def show_metrics(model: Model) -> None:
    """Cards with the main metrics and the baseline, which guesses without the features."""
    names = [name for name in [*HEADLINE[model.task], *model.metrics] if name in model.metrics]
    shown = list(dict.fromkeys(names))[:MAX_CARDS]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(
            metric_title(name),
            metric_value(name, model.metrics[name]),
            f"baseline {metric_value(name, model.baseline[name])}" if name in model.baseline else None,
            delta_color="off",
            delta_arrow="off",
            border=True,
        )
    for warning in model.warnings:
        st.warning(escape(warning))


def show_leaderboard(candidates: Sequence[Candidate]) -> None:
    """Candidates with the mean of their scores over the folds, and its standard error."""
    metric = next((candidate.metric for candidate in candidates if candidate.metric), None)
    score_title = f"Score ({metric_title(metric)})" if metric else "Score"
    columns = ["", "Type", "Parameters", score_title, "Fit (s)", "Predict (s)", "Status"]
    st.subheader("Leaderboard", anchor=False)
    show_table([_leaderboard_row(candidate) for candidate in candidates], columns)
    st.caption(
        "Mean ± standard error over the folds of the training rows. ★ is the simplest and fastest candidate "
        "within one standard error of the best score."
    )


def _leaderboard_row(candidate: Candidate) -> Sequence[object]:
    name = candidate.metric or ""
    error = candidate.standard_error
    values = [metric_value(name, value) for value in (candidate.score, error) if value is not None]
    parameters = (f"{parameter_title(key)} {value}" for key, value in candidate.params.items())
    return (
        "★" if candidate.chosen else "",
        type_title(candidate.type),
        ", ".join(parameters) or "Default",
        " ± ".join(values),
        candidate.fit_seconds,
        candidate.predict_seconds,
        title_case(candidate.state),
    )
