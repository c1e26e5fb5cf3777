"""Profile of a table in plain values, for checks of training specs without the cells."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.compute as pc

from ml_service.learning.tables.settings import ColumnReading, Json, Reading
from ml_service.learning.tables.table import DETECTED, Column, ColumnType, Decision, Table

MOST_COUNTED = 100
SAMPLED_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """`type` is that of the reading, of which `kind` is the type for learning.

    `value_counts` has the number of cells of each distinct value, ascending; None for over 100 values.
    """

    name: str
    kind: ColumnType
    missing: int
    whole: bool
    value_counts: tuple[int, ...] | None
    type: str | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class TableProfile:
    """`header` names all columns of the file, `columns` has only those read and not left out.

    `reading` has all settings, detected ones included, and `given` those of the table's owner.
    """

    header: tuple[str, ...]
    columns: Mapping[str, ColumnProfile]
    rows: int
    reading: Reading = DETECTED
    given: Reading = DETECTED

    def to_json(self) -> Json:
        return {
            "header": list(self.header),
            "columns": [asdict(column) for column in self.columns.values()],
            "rows": self.rows,
            "reading": self.reading.to_json(),
            "given": self.given.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TableProfile":  # Any: JSON
        """Profiles of earlier versions have no settings but corrected types of columns."""
        columns = [_column_from_json(column) for column in document["columns"]]
        corrected = {
            column["name"]: ColumnReading(type=column["kind"])
            for column in document["columns"]
            if column.get("corrected")
        }
        earlier = Reading(columns=corrected).to_json()
        return cls(
            tuple(document["header"]),
            {column.name: column for column in columns},
            document["rows"],
            Reading.from_json(document.get("reading", earlier)),
            Reading.from_json(document.get("given", earlier)),
        )


def profile(table: Table, given: Reading = DETECTED) -> TableProfile:
    columns = {name: _profile_column(column) for name, column in table.columns.items()}
    return TableProfile(table.header, columns, table.rows, table.reading, given)


def _profile_column(column: Column) -> ColumnProfile:
    return ColumnProfile(
        column.name,
        column.kind,
        column.missing,
        column.whole,
        _count_values(column),
        column.reading.type,
        column.decision,
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
    decision = document.get("decision")
    fields: Json = {
        **document,
        "value_counts": None if counts is None else tuple(counts),
        "decision": None if decision is None else Decision(**decision),
    }
    fields.pop("corrected", None)
    return ColumnProfile(**fields)
