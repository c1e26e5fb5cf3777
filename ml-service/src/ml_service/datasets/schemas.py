"""Schemas of datasets."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml_service.datasets.reading_schemas import (
    MOST_COLUMNS,
    ColumnName,
    ReadingSettings,
    ReadingView,
    types_to_reading,
)
from ml_service.learning.tables import Finding, Reading
from ml_service.orm import Dataset

Plain = int | float | str


class ColumnView(BaseModel):
    """A column; `type` is that of its reading, of which `kind` is the type for learning.

    A column that `needs_decision` cannot be trained on until its reading says what its exceptions are.
    """

    name: str
    kind: str
    type: str | None = None
    missing: int
    whole: bool
    needs_decision: bool = False


class DatasetView(BaseModel):
    id: int
    name: str
    sha256: str
    size_bytes: int
    rows: int
    column_count: int
    created_at: datetime

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetView":
        return cls(**_common_members(dataset))


class ValueCountView(BaseModel):
    value: Plain
    count: int


class HistogramView(BaseModel):
    edges: list[Plain]
    counts: list[int]


class QuantilesView(BaseModel):
    min: Plain
    p25: Plain
    median: Plain
    p75: Plain
    max: Plain


class InspectedColumnView(ColumnView):
    """A column with its statistics; dates are ISO 8601 texts, and long texts are truncated."""

    distinct: int
    quantiles: QuantilesView | None
    mean: float | None
    top_values: list[ValueCountView]
    histogram: HistogramView | None


class DialectView(BaseModel):
    delimiter: str
    encoding: str
    decimal: str
    compression: str | None


class FindingView(BaseModel):
    code: str
    severity: Literal["info", "warning", "serious"]
    column: str | None
    detail: str
    advice: str

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        return cls(
            code=finding.code,
            severity=finding.severity,
            column=finding.column,
            detail=finding.detail,
            advice=finding.advice,
        )


class FindingsView(BaseModel):
    findings: list[FindingView]


class SuggestionView(BaseModel):
    label: str | None
    features: list[str]


class PreviewView(BaseModel):
    """The first rows; long texts are truncated."""

    columns: list[str]
    rows: list[list[Any]]  # Any: numbers, texts or nothing


class InspectedDatasetView(DatasetView):
    """A dataset with its statistics and findings; only CSV has a dialect, only a workbook has sheets.

    `reading` has all settings by which the file was read, `corrections` those that its owner has set.
    `preview` is there in the answer to a dry run.
    """

    format: str
    dialect: DialectView | None
    sheets: list[str] = []
    reading: ReadingView
    corrections: ReadingView
    duplicate_rows: int
    columns: list[InspectedColumnView]
    findings: list[FindingView]
    suggested: SuggestionView
    preview: PreviewView | None = None


def inspected_members(dataset: Dataset) -> dict[str, Any]:  # Any: JSON
    """The members of an InspectedDatasetView, as stored.

    Its model is not built: that of 2,000 columns would block the event loop for a quarter of a second.
    """
    return _common_members(dataset) | (dataset.details or {})


class CorrectionRequest(BaseModel):
    """Settings that replace those of the reading; `kinds` is short for the types of columns."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[dict[ColumnName, Literal["number", "text", "date"]], Field(max_length=MOST_COLUMNS)] = {}
    reading: ReadingSettings = ReadingSettings()

    @model_validator(mode="after")
    def check_corrects(self) -> Self:
        if not self.kinds and self.reading == ReadingSettings():
            raise ValueError("send settings in reading, or types of columns in kinds")
        return self

    def to_reading(self) -> Reading:
        return types_to_reading(self.kinds).changed_by(self.reading.to_reading())


def _common_members(dataset: Dataset) -> dict[str, Any]:  # Any: fields of several types
    return {
        "id": dataset.id,
        "name": dataset.name,
        "sha256": dataset.sha256.hex(),
        "size_bytes": dataset.size_bytes,
        "rows": dataset.row_count,
        "column_count": dataset.column_count,
        "created_at": dataset.created_at,
    }
