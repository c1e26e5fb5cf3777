"""A type's parameters, from their JSON Schema to fields of a form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.columns import side_by_side
from dashboard.wording.figures import words
from dashboard.wording.texts import plain
from farebox.results.models import ModelType

Schema = Mapping[str, Any]  # Any: JSON Schema


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is JSON Schema's word for its type; an `optional` one may be left empty."""

    name: str
    kind: str
    default: object
    minimum: float | None
    maximum: float | None
    choices: list[str]
    optional: bool
    description: str

    @classmethod
    def read(cls, name: str, schema: Schema) -> "Parameter":
        branches: list[Schema] = schema.get("anyOf", [schema])
        kept = next(each for each in branches if each.get("type") != "null")
        return cls(
            name=name,
            kind=str(kept.get("type", "string")),
            default=schema.get("default"),
            minimum=kept.get("minimum", kept.get("exclusiveMinimum")),
            maximum=kept.get("maximum", kept.get("exclusiveMaximum")),
            choices=[str(each) for each in kept.get("enum", [])],
            optional=len(branches) > 1,
            description=str(schema.get("description", "")),
        )


def parameters_of(kind: ModelType) -> Iterator[Parameter]:
    properties = kind.parameters.get("properties", {})
    if isinstance(properties, dict):
        yield from (Parameter.read(str(name), schema) for name, schema in properties.items())


def ask_parameters(kind: ModelType) -> dict[str, object]:
    """What was chosen otherwise than by default; everything else is left to the service."""
    parameters = list(parameters_of(kind))
    if not parameters:
        st.caption("This type has no parameters.")
        return {}
    chosen: dict[str, object] = {}
    for column, each in side_by_side(parameters):
        with column:
            value = _ask(each, key=f"param-{kind.name}-{each.name}")
        if value != each.default:
            chosen[each.name] = value
    return chosen


def _ask(parameter: Parameter, key: str) -> object:
    label, help_text = words(parameter.name), plain(parameter.description) or None
    if parameter.choices:
        at = parameter.choices.index(str(parameter.default)) if parameter.default is not None else 0
        return st.selectbox(label, parameter.choices, index=at, help=help_text, key=key)
    if parameter.kind == "boolean":
        return st.toggle(label, value=bool(parameter.default), help=help_text, key=key)
    if parameter.kind in ("integer", "number"):
        number = int if parameter.kind == "integer" else float
        bounds = [
            None if bound is None else number(bound) for bound in (parameter.minimum, parameter.maximum)
        ]
        return st.number_input(
            label,
            min_value=bounds[0],
            max_value=bounds[1],
            value=None if parameter.default is None else number(str(parameter.default)),
            step=1 if number is int else None,
            format=None if number is int else "%g",
            placeholder="any" if parameter.optional else None,
            help=help_text,
            key=key,
        )
    return st.text_input(label, value=str(parameter.default or ""), help=help_text, key=key)
