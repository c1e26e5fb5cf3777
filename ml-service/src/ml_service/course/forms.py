"""Forms of the course API, converted to training requests."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ml_service.errors import FieldMissing, FieldUnusable
from ml_service.jobs.specs import TrainingJobRequest
from ml_service.learning.model_types import convert_course

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Field names of a form."""

    file: str
    model_type: str
    features: str
    label: str
    params: str


FIRST = Dialect("csv_file", "model_type", "feature_cols", "label_col", "optional_params")
SECOND = Dialect("file", "model_name", "features", "label", "model_params")


def read_form(fields: Fields, dialect: Dialect, dataset_id: int) -> TrainingJobRequest:
    """Convert a form to a training request; raises FieldMissing or FieldUnusable for the first error."""
    model_type = _get(fields, dialect.model_type)
    return TrainingJobRequest(
        dataset_id=dataset_id,
        model_type=model_type,
        label=_get(fields, dialect.label),
        features=_read_columns(dialect.features, _get(fields, dialect.features)),
        params=convert_course(model_type, _read_params(dialect.params, fields.get(dialect.params, ""))),
        train_fraction=_read_share(fields.get("train_percentage", "")),
        name=fields.get("model_filename", "").strip() or None,
    )


def _get(fields: Fields, name: str) -> str:
    value = fields.get(name, "").strip()
    if not value:
        raise FieldMissing(name)
    return value


def _read_columns(name: str, text: str) -> tuple[str, ...]:
    """Parse a JSON array of names, or comma-separated names."""
    if not text.startswith(("[", "{")):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    columns = _read_json(name, text)
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise FieldUnusable(name, 'is a JSON array of column names, such as ["age", "city"]')
    return tuple(columns)


def _read_params(name: str, text: str) -> dict[str, object]:
    params = _read_json(name, text.strip() or "{}")
    if not isinstance(params, dict):
        raise FieldUnusable(name, 'is a JSON object, such as {"n_neighbors": 5}')
    return params


def _read_json(name: str, text: str) -> Any:  # Any: decoded JSON
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FieldUnusable(name, "is JSON; check its quotes, commas and brackets") from None


def _read_share(text: str) -> float:
    try:
        share = float(text.strip() or "0.8") if text.isascii() and "_" not in text else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise FieldUnusable("train_percentage", "is a number above 0 and below 1, such as 0.8")
    return share
