"""Tables as scikit-learn takes them."""

# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.model_types import Task
from ml_service.learning.tables import Column, Table

Labels = npt.NDArray[Any]  # Any: text, whole numbers or numbers


def feature_frame(table: Table, features: Sequence[str]) -> pd.DataFrame:
    """Numbers as floats, dates as moments, text as text; missing cells as pandas marks them."""
    return pa.table({name: _feature(table.columns[name]) for name in features}).to_pandas()


def _feature(column: Column) -> pa.ChunkedArray:
    return column.cells.cast(pa.float64(), safe=False) if column.kind == "number" else column.cells


def label_values(column: Column, task: Task) -> Labels:
    """The label as it is in the file: text as text, the classes among numbers as whole numbers."""
    if column.kind == "text":
        return np.asarray(column.cells.to_pylist(), dtype=object)
    kind = pa.int64() if task == "classification" else pa.float64()
    return column.cells.cast(kind, safe=False).to_numpy()


def drop_missing(table: Table, label: str) -> Table:
    """The rows that have a label."""
    if not table.columns[label].missing:
        return table
    present = pc.is_valid(table.columns[label].cells)
    columns: dict[str, Column] = {}
    for name, each in table.columns.items():
        kept = each.cells.filter(present)
        columns[name] = Column(name, each.kind, kept.null_count, each.whole, kept)
    return Table(table.header, columns, len(columns[label].cells), table.dialect)
