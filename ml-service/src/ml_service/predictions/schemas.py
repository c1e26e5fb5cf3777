"""Schemas of predictions of rows. Without a web framework, because a reader process imports them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ml_service.learning.predictors import PredictionOptions

MOST_ROWS = 10_000

Row = dict[str, Any]  # Any: the model's schema defines the cells


class PredictionRequest(BaseModel):
    """Either `features`, one row, or `rows`, several.

    `probabilities` adds the probability of each class. `coverage` is the share of rows whose true label the
    answer is to cover: it adds an interval to each number, and a set of labels to each class.
    """

    model_config = ConfigDict(extra="forbid")

    features: Row | None = None
    rows: Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)] | None = None
    probabilities: StrictBool = False
    coverage: Annotated[float, Field(strict=True, ge=0.5, le=0.99)] | None = None

    @model_validator(mode="after")
    def require_one_of_both(self) -> "PredictionRequest":
        if (self.features is None) == (self.rows is None):
            raise ValueError("Send either features, for one row, or rows, for several.")
        return self

    def to_rows(self) -> list[Row]:
        return self.rows if self.rows is not None else [self.features or {}]

    def to_options(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)


class WarningView(BaseModel):
    """A cell that was read differently from the sent value; rows count from 1."""

    row: int
    feature: str
    detail: str


class IntervalView(BaseModel):
    low: float
    high: float


class PredictionView(BaseModel):
    """`prediction` answers `features`, `predictions` answers `rows`; only requested members are present.

    Labels are as in the file. A set of labels begins with the most probable one. It is empty for a row
    without a plausible label, which occurs with models that are more accurate than the coverage requires.
    `warnings` are the first of them; `warning_count` counts all.
    """

    model: str
    prediction: float | int | str | None = None
    predictions: list[float | int | str] | None = None
    probabilities: dict[str, float] | list[dict[str, float]] | None = None
    coverage: float | None = None
    interval: IntervalView | None = None
    intervals: list[IntervalView] | None = None
    label_set: list[str | int] | None = None
    label_sets: list[list[str | int]] | None = None
    warnings: list[WarningView]
    warning_count: int
