"""Split of a table into training and test set, and the preparation of features as part of the model."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_service.learning.model_types import Task, TrainingTable, get_model_type, parse
from ml_service.learning.predictors.dates import DateParts
from ml_service.learning.tables import Column, ColumnType, Table, profile
from ml_service.learning.training.memory import MOST_CATEGORIES
from ml_service.learning.training.rules import Plan, check
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.splitting import Labels, Parts, Positions, split_rows

# Labels are codes, the positions of classes in their sorted list, or numbers. scikit-learn sorts texts at
# each step, which took 2.2 of the 3 seconds of a logistic regression on 366,500 rows.
Classes = npt.NDArray[Any]  # Any: texts or whole numbers

# Below this number, further calls cost more than the medians.
MANY_ROWS = 20_000
FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Features in a data frame, and their labels."""

    frame: pd.DataFrame
    labels: Labels

    def take(self, positions: Positions) -> "Rows":
        return Rows(self.frame.iloc[positions], self.labels[positions])


@dataclass(frozen=True, slots=True)
class Split:
    """The labelled rows of a table, split into training and test set; `classes` is empty in regression.

    It has no frame of all rows, which would be a third copy in memory.
    """

    table: Table
    plan: Plan
    classes: Classes
    training: Rows
    test: Rows
    kinds: dict[str, ColumnType]
    parts: Parts

    def label_values(self, labels: Labels) -> Labels:
        """The classes of codes; numbers are unchanged."""
        return self.classes[labels] if len(self.classes) else labels


def split(table: Table, spec: TrainingSpec) -> Split:
    """Split the table by the spec; raises the errors of `check`."""
    plan = check(profile(table), spec)
    table = _drop_unlabelled(table, spec.label)
    classes, labels = encode_labels(table.columns[spec.label], plan.task)
    rows = Rows(feature_frame([table.columns[name] for name in spec.features]), labels)
    parts = split_rows(spec, _split_column(table, spec), labels, plan)
    if parts.keys is not None:
        plan = _check_again(spec, replace(plan, training_rows=len(parts.training), test_rows=len(parts.test)))
    kinds: dict[str, ColumnType] = {name: table.columns[name].kind for name in spec.features}
    return Split(table, plan, classes, rows.take(parts.training), rows.take(parts.test), kinds, parts)


def _split_column(table: Table, spec: TrainingSpec) -> Column | None:
    return None if spec.split.column is None else table.columns[spec.split.column]


def _check_again(spec: TrainingSpec, plan: Plan) -> Plan:
    """The plan, if the parameters fit its sizes, too."""
    model_type, parameters = get_model_type(spec.model_type), parse(spec.model_type, spec.params)
    model_type.check(parameters, TrainingTable(spec.label, plan.training_rows, plan.classes))
    return plan


def feature_frame(columns: Sequence[Column], most_rows: int | None = None) -> pd.DataFrame:
    """Features in a data frame: numbers as floats, dates as timestamps, texts, and pandas' missing cells."""
    cells = {column.name: column.cells.slice(0, most_rows) for column in columns}
    numbers = {column.name for column in columns if column.kind == "number"}
    return pa.table(
        {
            name: part.cast(pa.float64(), safe=False) if name in numbers else part
            for name, part in cells.items()
        }
    ).to_pandas()


def encode_labels(column: Column, task: Task) -> tuple[Classes, Labels]:
    """The sorted classes with the code of each label, or no classes with the labels as floats."""
    if task == "regression":
        return np.zeros(0), column.cells.cast(pa.float64(), safe=False).to_numpy()
    if column.kind != "text":
        return np.unique(column.cells.cast(pa.int64(), safe=False).to_numpy(), return_inverse=True)
    encoded = column.cells.combine_chunks().dictionary_encode()
    texts: Classes = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(texts)
    ranks = np.empty(len(texts), np.int64)
    ranks[order] = np.arange(len(texts))
    return texts[order], ranks[encoded.indices.to_numpy()]


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


def fit_preparation(preparation: ColumnTransformer, frame: pd.DataFrame) -> Any:  # Any: an array of numbers
    """Fit a preparation and return the prepared rows, as its `fit_transform` does.

    scikit-learn finds medians by sorting masked copies of all columns, which took 40 % of the time of a
    linear regression and most of its memory. For many rows, imputers are fitted on one row with the medians.
    """
    if len(frame) < MANY_ROWS:
        return preparation.fit_transform(frame)
    preparation.fit(frame.head(FEWEST_ROWS))
    columns = {name: names for name, _, names in preparation.transformers_}
    for name in columns.keys() & {"number", "date"}:
        _fit_numbers(preparation.named_transformers_[name].named_steps, frame[columns[name]])
    return preparation.transform(frame)


def _fit_numbers(steps: Mapping[str, Any], numbers: Any) -> None:  # Any: transformers; a frame or an array
    if "parts" in steps:
        numbers = steps["parts"].transform(numbers)
        steps["fill"].fit(pd.DataFrame(numbers).median().to_numpy().reshape(1, -1))
    else:
        steps["fill"].fit(numbers.median().to_frame().T)
    if "scale" in steps:
        steps["scale"].fit(steps["fill"].transform(numbers))


def common_categories(texts: pd.Series) -> npt.NDArray[np.object_]:
    """The most common categories in alphabetical order; ties go to the alphabetically first."""
    counts = sorted(texts.value_counts().items(), key=lambda pair: (-pair[1], str(pair[0])))
    common = sorted(str(text) for text, _ in counts[:MOST_CATEGORIES])
    # The encoder needs at least one category; an empty text never occurs in a cell.
    return np.array(common or [""], dtype=object)


def _drop_unlabelled(table: Table, label: str) -> Table:
    if not table.columns[label].missing:
        return table
    present = pc.is_valid(table.columns[label].cells)
    columns: dict[str, Column] = {}
    for name, column in table.columns.items():
        cells = column.cells.filter(present)
        columns[name] = replace(column, missing=cells.null_count, cells=cells)
    return replace(table, columns=columns, rows=len(columns[label].cells))
