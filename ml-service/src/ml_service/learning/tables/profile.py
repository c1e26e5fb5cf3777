"""Profile of a table in plain values, for checks of training specs without the cells."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.compute as pc

from ml_service.learning.tables.table import Column, ColumnType, Json, Table

MOST_COUNTED = 100
SAMPLED_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """`corrected` marks a type set by the table's owner.

    `value_counts` has the number of cells of each distinct value, ascending; None for over 100 values.
    """

    name: str
    kind: ColumnType
    missing: int
    whole: bool
    value_counts: tuple[int, ...] | None
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class TableProfile:
    """`header` names all columns of the file, `columns` has only those read."""

    header: tuple[str, ...]
    columns: Mapping[str, ColumnProfile]
    rows: int

    @property
    def corrected_kinds(self) -> dict[str, ColumnType]:
        """Types set by the table's owner."""
        return {name: column.kind for name, column in self.columns.items() if column.corrected}

    def to_json(self) -> Json:
        return {
            "header": list(self.header),
            "columns": [asdict(column) for column in self.columns.values()],
            "rows": self.rows,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TableProfile":  # Any: JSON
        columns = [_column_from_json(column) for column in document["columns"]]
        return cls(tuple(document["header"]), {column.name: column for column in columns}, document["rows"])


def profile(table: Table) -> TableProfile:
    columns = {name: _profile_column(column) for name, column in table.columns.items()}
    return TableProfile(table.header, columns, table.rows)


def _profile_column(column: Column) -> ColumnProfile:
    return ColumnProfile(
        column.name, column.kind, column.missing, column.whole, _count_values(column), column.corrected
    )


def _count_values(column: Column) -> tuple[int, ...] | None:
    if column.kind == "empty":
        return ()
    # A full count is slow, and a sample detects most columns with many values.
    if pc.count_distinct(column.cells.slice(0, SAMPLED_ROWS)).as_py() > MOST_COUNTED:
        return None
    counts = column.cells.drop_null().value_counts().field("counts")
    if len(counts) > MOST_COUNTED:
        return None
    return tuple(sorted(counts.to_pylist()))


def _column_from_json(document: Mapping[str, Any]) -> ColumnProfile:  # Any: JSON
    counts = document["value_counts"]
    fields: Json = {**document, "value_counts": None if counts is None else tuple(counts)}
    return ColumnProfile(**fields)
