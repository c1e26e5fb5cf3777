"""Datasets: uploaded tables."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from farebox.results.base import Result

Plain = int | float | str


class ColumnReading(Result):
    """Settings by which a column's cells are read; None for one that is detected.

    `type` is number, whole, text, boolean, date, time or omitted. `format` is `iso` or a strptime format.
    With `exceptions` missing, cells that the type does not fit are missing.
    """

    type: str | None = None
    format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    unit: str | None = None
    missing: list[str] | None = None
    trim: bool | None = None
    exceptions: str | None = None


class Reading(Result):
    """Settings by which a file is read; None for one that is detected, or that the format does not have."""

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    header: bool | None = None
    skip_top: int | None = None
    skip_bottom: int | None = None
    missing: list[str] | None = None
    trim: bool | None = None
    columns: dict[str, ColumnReading] = Field(default_factory=dict[str, ColumnReading])
    compression: str | None = None
    sheet: str | None = None


class Column(Result):
    """A column: `type` is that of its reading, `kind` the type for learning, `whole` without fractions.

    A column that `needs_decision` cannot be trained on until its reading says what its exceptions are.
    """

    name: str
    kind: str
    type: str | None = None
    missing: int
    whole: bool
    needs_decision: bool = False


class ValueCount(Result):
    """A value, and the number of rows with it."""

    value: Plain
    count: int


class Histogram(Result):
    """`counts[i]` cells lie from `edges[i]` up to `edges[i + 1]`."""

    edges: list[Plain]
    counts: list[int]


class Quantiles(Result):
    """Quantiles of a column: numbers, or ISO texts for dates."""

    min: Plain
    p25: Plain
    median: Plain
    p75: Plain
    max: Plain


class InspectedColumn(Column):
    """A column with statistics; `top_values` is filled for text and for few distinct numbers."""

    distinct: int
    quantiles: Quantiles | None
    mean: float | None
    top_values: list[ValueCount]
    histogram: Histogram | None


class Dialect(Result):
    """The format of a CSV file."""

    delimiter: str
    encoding: str
    decimal: str
    compression: str | None


class Finding(Result):
    """A remark on the data; `column` is None when it concerns whole rows."""

    code: str
    severity: Literal["info", "warning", "serious"]
    column: str | None
    detail: str
    advice: str


class Findings(Result):
    findings: list[Finding]


class Suggestion(Result):
    """A suggested label and its features, guessed from the columns."""

    label: str | None
    features: list[str]


class Dataset(Result):
    """An uploaded table; `column_count` is the number of its columns."""

    id: int
    name: str
    rows: int
    column_count: int
    size_bytes: int
    sha256: str
    created_at: datetime


class Preview(Result):
    """The first rows of a dataset."""

    columns: list[str]
    rows: list[list[object]]


class InspectedDataset(Dataset):
    """A dataset with statistics and findings; `dialect` is None unless the file is CSV.

    `sheets` names those of a workbook; the reading has the one that was read.

    `reading` has all settings by which the file was read, `corrections` those that were set. `preview` has
    the first rows in the result of a dry run.
    """

    columns: list[InspectedColumn]
    format: str
    dialect: Dialect | None
    sheets: list[str] = Field(default_factory=list[str])
    reading: Reading = Reading()
    corrections: Reading = Reading()
    duplicate_rows: int
    findings: list[Finding]
    suggested: Suggestion
    preview: Preview | None = None
