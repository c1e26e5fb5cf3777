"""The result of a training: the model's description in plain values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from ml_service.learning.model_types import Task
from ml_service.learning.predictors.encoding import Encoding
from ml_service.learning.tables import Column, Json

LIBRARIES = ("scikit-learn", "numpy", "pandas", "pyarrow", "treelite")
EXAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """JSON all through; `files` holds the SHA-256 of each file of the model."""

    model_type: str
    task: Task
    label: str
    classes: list[str | int]
    params: Json
    metrics: dict[str, float | None]
    baseline: dict[str, float | None]
    features: list[Json]
    example: Json
    rows: int
    training_rows: int
    test_rows: int
    stratified: bool
    warnings: list[str]
    verdict: str
    versions: dict[str, str]
    spec: Json
    files: dict[str, str]

    def to_json(self) -> Json:
        return asdict(self)


def library_versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def describe_features(columns: Sequence[Column], frame: pd.DataFrame, encoding: Encoding) -> list[Json]:
    """Each feature's type, range or categories, count of missing cells and an example."""
    example = example_features(columns, frame)
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "missing": column.missing,
            "example": example[column.name],
            **_describe_values(column, pd.Series(frame[column.name]), encoding),
        }
        for column in columns
    ]


def example_features(columns: Sequence[Column], frame: pd.DataFrame) -> Json:
    """The first rows' one with the fewest missing cells; null where even that has no value."""
    first = frame.head(EXAMPLE_ROWS)
    row = first.iloc[int(first.notna().sum(axis=1).to_numpy().argmax())]
    return {column.name: _to_plain(row[column.name], column) for column in columns}


def _describe_values(column: Column, cells: pd.Series, encoding: Encoding) -> Json:
    if column.kind == "text":
        return {"categories": list(encoding.texts[column.name])}
    span = {"minimum": _to_plain(cells.min(), column), "maximum": _to_plain(cells.max(), column)}
    return {**span, "whole": column.whole} if column.kind == "number" else span


def _to_plain(cell: Any, column: Column) -> str | int | float | None:  # Any: pandas has many types
    if pd.isna(cell):
        return None
    if column.kind == "date":
        return str(cell.isoformat()).removesuffix("T00:00:00")
    if column.kind == "text":
        return str(cell)
    return int(cell) if column.whole else float(cell)
