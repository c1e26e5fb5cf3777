"""Split of a table into training and test set, and the preparation of features as part of the model."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_service.learning.model_types import Task
from ml_service.learning.predictors.dates import DateParts
from ml_service.learning.tables import Column, ColumnType, Table, profile
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import TrainingSpec

Labels = npt.NDArray[Any]  # Any: text, whole numbers or numbers
Positions = npt.NDArray[np.int64]

MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True)
class Rows:
    """Features in a data frame, and their labels."""

    frame: pd.DataFrame
    labels: Labels

    def take(self, positions: Positions) -> "Rows":
        return Rows(self.frame.iloc[positions], self.labels[positions])


@dataclass(frozen=True, slots=True)
class Split:
    """The labelled rows of a table, split into training set and test set."""

    table: Table
    plan: Plan
    all: Rows
    training: Rows
    test: Rows
    kinds: dict[str, ColumnType]


def split(table: Table, spec: TrainingSpec) -> Split:
    """Split the table by the spec; raises the errors of `check`."""
    plan = check(profile(table), spec)
    table = _drop_unlabelled(table, spec.label)
    rows = Rows(feature_frame(table, spec.features), label_values(table.columns[spec.label], plan.task))
    training, test = train_test_split(
        np.arange(len(rows.labels)),
        train_size=spec.train_fraction,
        random_state=spec.seed,
        stratify=rows.labels if plan.stratified else None,
    )
    kinds: dict[str, ColumnType] = {name: table.columns[name].kind for name in spec.features}
    return Split(table, plan, rows, rows.take(np.asarray(training)), rows.take(np.asarray(test)), kinds)


def feature_frame(table: Table, features: Sequence[str]) -> pd.DataFrame:
    """Features in a data frame: numbers as floats, dates as timestamps, texts, and pandas' missing cells."""
    return pa.table({name: _feature(table.columns[name]) for name in features}).to_pandas()


def label_values(column: Column, task: Task) -> Labels:
    """Labels in an array: texts, numeric classes as integers, or numbers as floats."""
    if column.kind == "text":
        return np.asarray(column.cells.to_pylist(), dtype=object)
    type_ = pa.int64() if task == "classification" else pa.float64()
    return column.cells.cast(type_, safe=False).to_numpy()


def make_preparation(frame: pd.DataFrame, kinds: dict[str, ColumnType], scaled: bool) -> ColumnTransformer:
    """The unfitted preparation of features: numbers, then parts of dates, then categories."""
    named: dict[str, list[str]] = {"number": [], "date": [], "text": []}
    for name, kind in kinds.items():
        named[kind].append(name)
    filled = [("fill", SimpleImputer(strategy="median", keep_empty_features=True))]
    numeric: list[Any] = [*filled, ("scale", StandardScaler())] if scaled else filled  # Any: transformers
    categories: Any = [
        common_categories(pd.Series(frame[name])) for name in named["text"]
    ]  # Any: lists or "auto"
    encoder = OneHotEncoder(
        categories=categories,
        handle_unknown="ignore",  # missing cells, too, are none of the categories
        sparse_output=False,
    )
    steps: list[Any] = [  # Any: transformers
        ("number", Pipeline(numeric), named["number"]),
        ("date", Pipeline([("parts", DateParts()), *numeric]), named["date"]),
        ("text", encoder, named["text"]),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)


def common_categories(texts: pd.Series) -> npt.NDArray[np.object_]:
    """The most common categories in alphabetical order; ties go to the alphabetically first."""
    counts = sorted(texts.value_counts().items(), key=lambda pair: (-pair[1], str(pair[0])))
    common = sorted(str(text) for text, _ in counts[:MOST_CATEGORIES])
    # The encoder needs at least one category; an empty text never occurs in a cell.
    return np.array(common or [""], dtype=object)


def _feature(column: Column) -> pa.ChunkedArray:
    return column.cells.cast(pa.float64(), safe=False) if column.kind == "number" else column.cells


def _drop_unlabelled(table: Table, label: str) -> Table:
    if not table.columns[label].missing:
        return table
    present = pc.is_valid(table.columns[label].cells)
    columns: dict[str, Column] = {}
    for name, column in table.columns.items():
        cells = column.cells.filter(present)
        columns[name] = Column(name, column.kind, cells.null_count, column.whole, cells)
    return Table(table.header, columns, len(columns[label].cells), table.dialect)
