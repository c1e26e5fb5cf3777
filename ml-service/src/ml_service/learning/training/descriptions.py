"""What a model's features are, in plain values: the form that a request is made from."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ml_service.learning.predictors.encoding import Encoding
from ml_service.learning.tables import Column

LOOKED_AT = 1000


def describe_features(
    columns: Sequence[Column], frame: pd.DataFrame, encoding: Encoding
) -> list[dict[str, Any]]:  # Any: JSON
    """Each feature's kind, range or categories, count of missing cells and an example."""
    example = example_features(columns, frame)
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "missing": column.missing,
            "example": example[column.name],
            **_values(column, pd.Series(frame[column.name]), encoding),
        }
        for column in columns
    ]


def example_features(columns: Sequence[Column], frame: pd.DataFrame) -> dict[str, Any]:  # Any: JSON
    """The fullest of the first rows; null where even that has no value."""
    first = frame.head(LOOKED_AT)
    row = first.iloc[int(first.notna().sum(axis=1).to_numpy().argmax())]
    return {column.name: _plain(row[column.name], column) for column in columns}


def _values(column: Column, cells: pd.Series, encoding: Encoding) -> dict[str, Any]:  # Any: JSON
    if column.kind == "text":
        return {"categories": list(encoding.texts[column.name])}
    span = {"minimum": _plain(cells.min(), column), "maximum": _plain(cells.max(), column)}
    return {**span, "whole": column.whole} if column.kind == "number" else span


def _plain(cell: Any, column: Column) -> str | int | float | None:  # Any: pandas gives many types
    if pd.isna(cell):
        return None
    if column.kind == "date":
        return str(cell.isoformat()).removesuffix("T00:00:00")
    if column.kind == "text":
        return str(cell)
    return int(cell) if column.whole else float(cell)
