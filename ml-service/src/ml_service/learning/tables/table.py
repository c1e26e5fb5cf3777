"""A file as read: typed columns, none of them guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from ml_service.learning.tables.dialects import Dialect

Kind = Literal["number", "text", "date", "empty"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was read; `whole` says that a number column holds integers only, `corrected` that its
    kind was told rather than seen.
    """

    name: str
    kind: Kind
    missing: int
    whole: bool
    cells: pa.ChunkedArray
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`header` names every column of the file, `columns` those asked for; only CSV has a dialect."""

    header: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: int
    dialect: Dialect | None
