"""Training form: label, features, model type, its parameters and further options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from dashboard.formatting import escape, title_case
from dashboard.layout import side_by_side
from dashboard.widgets.model_summary import parameter_title
from farebox.resources.models import Budget, TrainingOptions
from farebox.results.datasets import InspectedDataset
from farebox.results.models import ModelType

SplitBy = Literal["random", "time", "group"]
JsonSchema = Mapping[str, Any]  # Any: JSON Schema
TASKS = {"auto": "Automatic", "classification": "Classification", "regression": "Regression"}
SPLITS: Mapping[SplitBy, str] = {"random": "Random", "time": "By time", "group": "By group"}
SPLIT_HELP = (
    "The choice of test rows. By time: the latest rows, to predict later ones. By group: all rows of some "
    "groups, such as people, to predict others."
)
DEFAULT_TYPE = "random_forest"


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    dataset: InspectedDataset
    label: str
    type: ModelType
    options: TrainingOptions

    @property
    def token_budget(self) -> int | None:
        return self.options.get("budget", {}).get("tokens")

    @property
    def max_trainings(self) -> int:
        """The number of trainings charged at most: one, or one for each candidate of a comparison."""
        return max(self.type.candidates.values()) if self.type.candidates else 1

    def as_request(self) -> dict[str, object]:
        return {"dataset": self.dataset.id, "label": self.label, **self.options}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a model type: `type` is its JSON Schema type; if `optional`, it may stay empty."""

    name: str
    type: str
    default: object
    minimum: float | None
    maximum: float | None
    choices: list[str]
    optional: bool
    description: str

    @classmethod
    def from_schema(cls, name: str, schema: JsonSchema) -> "Parameter":
        branches: list[JsonSchema] = schema.get("anyOf", [schema])
        branch = next(branch for branch in branches if branch.get("type") != "null")
        return cls(
            name=name,
            type=str(branch.get("type", "string")),
            default=schema.get("default"),
            minimum=branch.get("minimum", branch.get("exclusiveMinimum")),
            maximum=branch.get("maximum", branch.get("exclusiveMaximum")),
            choices=[str(choice) for choice in branch.get("enum", [])],
            optional=len(branches) > 1,
            description=str(schema.get("description", "")),
        )


def training_form(dataset: InspectedDataset, types: Sequence[ModelType]) -> TrainingSpec | None:
    """The form; its widget keys contain the dataset, so that another dataset starts with its own defaults.

    None without a label: it is selected by the user unless the inspection suggests one.
    """
    key = f"dataset-{dataset.id}"
    names = [column.name for column in dataset.columns]
    suggested = dataset.suggested.label
    left, right = st.columns(2)
    label = left.selectbox(
        "Label (column to predict)",
        names,
        index=names.index(suggested) if suggested in names else None,
        placeholder="Select a column",
        key=f"{key}-label",
    )
    default_type = next((at for at, kind in enumerate(types) if kind.name == DEFAULT_TYPE), 0)
    model_type = right.selectbox(
        "Model type", types, index=default_type, format_func=lambda model_type: model_type.title
    )
    if label is None:
        return None
    candidates = [name for name in names if name != label]
    features = st.multiselect(
        "Features (columns to learn from)",
        candidates,
        default=_suggested_features(dataset, candidates),
        key=f"{key}-features-{label}",
    )
    options: TrainingOptions = {"type": model_type.name, "features": features}
    with st.expander("Advanced options", icon=":material/tune:"):
        options |= _budget_fields() if model_type.budget else _parameter_fields(model_type)
        options |= _general_fields(model_type)
        options |= split_fields(dataset, label, features)
        options |= _missing_label_field(dataset, label)
    return TrainingSpec(dataset, label, model_type, options)


def _suggested_features(dataset: InspectedDataset, candidates: Sequence[str]) -> list[str]:
    """The features suggested by the inspection, and the suggested label if another label is selected."""
    suggested = {dataset.suggested.label, *dataset.suggested.features}
    return [name for name in candidates if name in suggested]


def _budget_fields() -> TrainingOptions:
    left, right = st.columns(2)
    tokens = left.number_input("Token budget", min_value=1, value=None, placeholder="no limit")
    seconds = right.number_input("Time limit (seconds)", min_value=1, value=None, placeholder="no limit")
    budget: Budget = {}
    if tokens is not None:
        budget["tokens"] = tokens
    if seconds is not None:
        budget["seconds"] = seconds
    return {"budget": budget} if budget else {}


def _general_fields(model_type: ModelType) -> TrainingOptions:
    options: TrainingOptions = {}
    left, middle, right = st.columns(3)
    options["train_fraction"] = left.slider("Training share", 0.5, 0.95, 0.8, 0.05, format="percent")
    task = middle.selectbox(
        "Task", ["auto", *model_type.tasks], format_func=lambda task: TASKS.get(task, title_case(task))
    )
    name = right.text_input("Model name", placeholder="generated if left blank", max_chars=100)
    if task != "auto":
        options["task"] = "classification" if task == "classification" else "regression"
    if name.strip():
        options["name"] = name.strip()
    return options


def split_fields(dataset: InspectedDataset, label: str, features: Sequence[str]) -> TrainingOptions:
    left, right = st.columns(2)
    by = left.selectbox("Split", list(SPLITS), format_func=lambda by: SPLITS[by], help=SPLIT_HELP)
    dates = _dates(dataset)
    if by == "random":
        if dates:
            st.caption(f"{escape(dates[0])} contains dates: a split by time tests on the latest rows.")
        return {}
    numbers = [column.name for column in dataset.columns if column.kind == "number"]
    names = [*dates, *numbers] if by == "time" else [column.name for column in dataset.columns]
    columns = [name for name in names if name != label]
    if not columns:
        st.warning("No column has dates or numbers to split by, so the split is random.")
        return {}
    column = right.selectbox("Split column", columns, key=f"dataset-{dataset.id}-split-{by}")
    if by == "group" and column in features:
        st.caption(f"{escape(column)} is a feature, too. New groups have other values: take it out.")
    return {"split": {"by": by, "column": column}}


def _dates(dataset: InspectedDataset) -> list[str]:
    return [column.name for column in dataset.columns if column.kind == "date"]


def _missing_label_field(dataset: InspectedDataset, label: str) -> TrainingOptions:
    missing = next(column.missing for column in dataset.columns if column.name == label)
    rows = "1 row" if missing == 1 else f"{missing:,} rows"
    if missing and st.checkbox(f"Leave out {rows} without a label", value=True):
        return {"missing_label": "drop"}
    return {}


def _parameter_fields(model_type: ModelType) -> TrainingOptions:
    """Parameters whose value differs from the default."""
    parameters = list(_parameters_of(model_type))
    if not parameters:
        st.caption("This model type has no parameters.")
    params: dict[str, object] = {}
    for column, parameter in side_by_side(parameters):
        with column:
            value = _parameter_field(parameter, key=f"param-{model_type.name}-{parameter.name}")
        if value != parameter.default:
            params[parameter.name] = value
    return {"params": params} if params else {}


def _parameters_of(model_type: ModelType) -> Iterator[Parameter]:
    properties = model_type.parameters.get("properties", {})
    if isinstance(properties, dict):
        yield from (Parameter.from_schema(str(name), schema) for name, schema in properties.items())


def _parameter_field(parameter: Parameter, key: str) -> object:
    label, help_text = parameter_title(parameter.name), escape(parameter.description) or None
    if parameter.choices:
        at = parameter.choices.index(str(parameter.default)) if parameter.default is not None else 0
        return st.selectbox(label, parameter.choices, index=at, help=help_text, key=key)
    if parameter.type == "boolean":
        return st.toggle(label, value=bool(parameter.default), help=help_text, key=key)
    if parameter.type in ("integer", "number"):
        return _number_field(parameter, label, help_text, key)
    return st.text_input(label, value=str(parameter.default or ""), help=help_text, key=key)


def _number_field(parameter: Parameter, label: str, help_text: str | None, key: str) -> int | float | None:
    number = int if parameter.type == "integer" else float
    bounds = [None if bound is None else number(bound) for bound in (parameter.minimum, parameter.maximum)]
    return st.number_input(
        label,
        min_value=bounds[0],
        max_value=bounds[1],
        value=None if parameter.default is None else number(str(parameter.default)),
        step=1 if number is int else None,
        format=None if number is int else "%g",
        placeholder="no limit" if parameter.optional else None,
        help=help_text,
        key=key,
    )
