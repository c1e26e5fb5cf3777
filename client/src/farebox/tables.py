"""Conversion of files, DataFrames and rows to uploads and JSON."""

import datetime
import decimal
import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from farebox.calls import Upload
from farebox.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas

Source: TypeAlias = "str | Path | bytes | pandas.DataFrame"
Row: TypeAlias = Mapping[str, Any]  # Any: a cell may hold any type
Rows: TypeAlias = "Sequence[Row] | pandas.DataFrame"
Plain: TypeAlias = str | int | float | bool | None
# Larger whole numbers are sent as their digits: JSON readers may round them to floats.
LARGEST_EXACT = 2**53


def upload_of(source: Source, filename: str | None = None) -> Upload:
    """The upload for a file by its path, for bytes, or for a DataFrame."""
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.is_file():
            raise InvalidArgument(f"There is no file {path}; check the path.")
        return Upload(filename or path.name, lambda: path.open("rb"))
    content = source if isinstance(source, bytes) else source.to_csv(index=False).encode()
    return Upload(filename or "table.csv", lambda: io.BytesIO(content))


def rows_of(rows: Rows, texts: Collection[str] = ()) -> list[dict[str, Plain]]:
    """JSON rows from mappings or a DataFrame; numbers of the columns in `texts` become texts."""
    if isinstance(rows, Sequence):
        return [row_of(row, texts) for row in rows]
    return [
        row_of(dict(zip(rows.columns, cells, strict=True)), texts)
        for cells in rows.itertuples(index=False, name=None)
    ]


def row_of(row: Row, texts: Collection[str] = ()) -> dict[str, Plain]:
    return {str(name): _cell(cell, str(name).strip() in texts) for name, cell in row.items()}


def _cell(cell: Any, is_text: bool) -> Plain:  # Any: as below
    value = plain(cell)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(cell) if is_text and is_number else value


def plain(cell: Any) -> Plain:  # Any: numpy's, pandas' and Python's own scalars
    """A cell as a JSON scalar; every kind of missing value becomes null."""
    if hasattr(cell, "item"):
        cell = cell.item()  # numpy's scalars, as Python's
    match cell:
        case None | bool() | str():
            return cell
        case int():
            return cell if abs(cell) <= LARGEST_EXACT else str(cell)
        case float() | decimal.Decimal():
            return float(cell) if math.isfinite(cell) else _missing(float(cell))
        case datetime.date():
            return cell.isoformat() if cell == cell else None
        case datetime.time():
            return cell.isoformat()
        case _ if type(cell).__name__ in {"NAType", "NaTType"}:
            return None
        case _:
            kind = type(cell).__name__
            raise InvalidArgument(f"A cell of type {kind} cannot be sent; use numbers or text.")


def _missing(number: float) -> None:
    if math.isnan(number):
        return
    raise InvalidArgument("An infinite number cannot be sent; leave the cell empty or use a finite one.")
