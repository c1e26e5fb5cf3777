"""What to train: the label, what to learn from, the type and its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.orders.parameters import ask_parameters
from dashboard.wording.figures import words
from farebox.resources.models import Budget, TrainingOptions
from farebox.results.datasets import InspectedDataset
from farebox.results.models import ModelType

TASKS = {"classification": "Classes", "regression": "Numbers"}


@dataclass(frozen=True, slots=True)
class Order:
    dataset: InspectedDataset
    label: str
    kind: ModelType
    options: TrainingOptions

    @property
    def most_tokens(self) -> int | None:
        """The most that may be spent on it, when somebody said."""
        return self.options.get("budget", {}).get("tokens")

    def described(self) -> dict[str, object]:
        return {"dataset": self.dataset.id, "label": self.label, **self.options}


def ask_order(dataset: InspectedDataset, types: Sequence[ModelType]) -> Order:
    """The widgets are the dataset's own, so another table begins with its own sensible choices."""
    key = f"dataset-{dataset.id}"
    names = [each.name for each in dataset.columns]
    suggested = dataset.suggested.label
    left, right = st.columns(2)
    likely = names.index(suggested) if suggested in names else len(names) - 1
    label = left.selectbox("Label: the column to predict", names, index=likely, key=f"{key}-label")
    kind = right.selectbox("Type of model", types, index=_usual(types), format_func=lambda each: each.title)
    usable = [name for name in names if name != label]
    features = st.multiselect(
        "Features: the columns to learn from",
        usable,
        default=_sensible(dataset, usable),
        key=f"{key}-features-{label}",
    )
    options: TrainingOptions = {"type": kind.name, "features": features}
    with st.expander("Parameters and more", icon=":material/tune:"):
        options |= _ask_budget() if kind.budget else _ask_parameters(kind)
        options |= _ask_more(kind)
        options |= _ask_missing(dataset, label)
    return Order(dataset, label, kind, options)


def _sensible(dataset: InspectedDataset, usable: Sequence[str]) -> list[str]:
    """What the inspection suggests; it leaves out what names rows or never changes."""
    known = [dataset.suggested.label, *dataset.suggested.features]
    left_out = {each.name for each in dataset.columns if each.name not in known}
    return [name for name in usable if name not in left_out]


def _ask_parameters(kind: ModelType) -> TrainingOptions:
    params = ask_parameters(kind)
    return {"params": params} if params else {}


def _ask_budget() -> TrainingOptions:
    left, right = st.columns(2)
    tokens = left.number_input(
        "Tokens to spend at most", min_value=1, value=None, placeholder="for every type"
    )
    seconds = right.number_input("Seconds to take at most", min_value=1, value=None, placeholder="no limit")
    budget: Budget = {}
    if tokens is not None:
        budget["tokens"] = tokens
    if seconds is not None:
        budget["seconds"] = seconds
    return {"budget": budget} if budget else {}


def _ask_more(kind: ModelType) -> TrainingOptions:
    options: TrainingOptions = {}
    left, middle, right = st.columns(3)
    options["train_fraction"] = left.slider("Share of rows to learn from", 0.5, 0.95, 0.8, 0.05)
    task = middle.selectbox(
        "What to learn", ["auto", *kind.tasks], format_func=lambda each: TASKS.get(each, words(each))
    )
    name = right.text_input("Name of the model", placeholder="made up if empty", max_chars=100)
    if task != "auto":
        options["task"] = "classification" if task == "classification" else "regression"
    if name.strip():
        options["name"] = name.strip()
    return options


def _ask_missing(dataset: InspectedDataset, label: str) -> TrainingOptions:
    missing = next(each.missing for each in dataset.columns if each.name == label)
    if missing and st.checkbox(f"Leave out the {missing} rows without a label", value=True):
        return {"missing_label": "drop"}
    return {}


def _usual(types: Sequence[ModelType]) -> int:
    return next((at for at, each in enumerate(types) if each.name == "random_forest"), 0)
