"""Datasets: uploaded tables."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result

Plain = int | float | str


class Column(Result):
    """A column with its detected kind; `whole` is True for numbers without fractions."""

    name: str
    kind: str
    missing: int
    whole: bool


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


class InspectedDataset(Dataset):
    """A dataset with statistics and findings; `dialect` is None unless the file is CSV."""

    columns: list[InspectedColumn]
    format: str
    dialect: Dialect | None
    duplicate_rows: int
    findings: list[Finding]
    suggested: Suggestion


class Preview(Result):
    """The first rows of a dataset."""

    columns: list[str]
    rows: list[list[object]]
