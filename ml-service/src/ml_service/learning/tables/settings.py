"""Settings of a reading: how the bytes of a file become rows, and the cells of a column values.

None stands for a setting to detect. The settings of a table that was read have all values filled in.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

from ml_service.learning.tables.dialect import Compression, Decimal

CellType = Literal["number", "whole", "text", "boolean", "date", "time", "omitted"]
Exceptions = Literal["decide", "missing"]
Json = dict[str, Any]  # Any: decoded JSON

ISO = "iso"
# Excel allows 31 characters for the name of a sheet, LibreOffice more.
LONGEST_SHEET = 255


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """Settings of a column; those of other types are ignored.

    `decimal`, `thousands` and `unit` (a currency or %) are the marks of numbers, "" for none. `format` is
    "iso" or a format of `datetime.strptime`. `missing` has the words for a missing cell beside the empty one.
    `exceptions` says what becomes of cells that the type does not fit.
    """

    type: CellType | None = None
    format: str | None = None
    decimal: Decimal | None = None
    thousands: str | None = None
    unit: str | None = None
    missing: tuple[str, ...] | None = None
    trim: bool | None = None
    exceptions: Exceptions | None = None

    def to_json(self) -> Json:
        return _without_nones(asdict(self))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:  # Any: JSON
        return cls(**_with_tuples(document))

    def changed_by(self, correction: "ColumnReading") -> "ColumnReading":
        """The settings with those of a correction; another type begins anew."""
        if correction.type not in (None, self.type):
            return correction
        return replace(self, **_set_fields(correction))

    def or_else(self, defaults: "ColumnReading") -> "ColumnReading":
        """The settings, with defaults in the place of those to detect."""
        return replace(defaults, **_set_fields(self))


OMITTED = ColumnReading(type="omitted")


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings of a file; `columns` has those of single columns by name.

    `header` is false for a file that begins with data, whose columns are column_1, column_2 and so on.
    `skip_top` and `skip_bottom` count lines, or rows of a sheet. CSV alone has an encoding, a delimiter, a
    quote ("" for none) and marks; workbooks alone have a `sheet`.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: Decimal | None = None
    thousands: str | None = None
    compression: Compression | None = None
    header: bool | None = None
    skip_top: int | None = None
    skip_bottom: int | None = None
    sheet: str | None = None
    missing: tuple[str, ...] | None = None
    trim: bool | None = None
    columns: Mapping[str, ColumnReading] = field(default_factory=dict[str, ColumnReading])

    def to_json(self) -> Json:
        columns = {name: column.to_json() for name, column in self.columns.items()}
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "columns"}
        return _without_nones(own) | {"columns": columns}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:  # Any: JSON
        columns: Mapping[str, Json] = document.get("columns", {})
        fields: Json = _with_tuples(document)
        fields["columns"] = {name: ColumnReading.from_json(each) for name, each in columns.items()}
        return cls(**fields)

    def changed_by(self, correction: "Reading") -> "Reading":
        """The settings with those of a correction."""
        changed = {
            name: self.columns.get(name, ColumnReading()).changed_by(column)
            for name, column in correction.columns.items()
        }
        return replace(self, **_set_fields(correction) | {"columns": {**self.columns, **changed}})

    def only(self, names: Collection[str | None]) -> "Reading":
        """The settings without those of other columns."""
        return replace(self, columns={name: each for name, each in self.columns.items() if name in names})

    def column(self, name: str) -> ColumnReading:
        """The settings of a column, with the file's in the place of those to detect."""
        return self.columns.get(name, ColumnReading()).or_else(
            ColumnReading(missing=self.missing, trim=self.trim)
        )


def _set_fields(settings: Any) -> Json:  # Any: settings of a file or of a column
    values = ((each.name, getattr(settings, each.name)) for each in fields(settings))
    return {name: value for name, value in values if value is not None and name != "columns"}


def _without_nones(document: Json) -> Json:
    return {name: value for name, value in document.items() if value is not None}


def _with_tuples(document: Mapping[str, Any]) -> Json:  # Any: JSON
    """JSON has lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
