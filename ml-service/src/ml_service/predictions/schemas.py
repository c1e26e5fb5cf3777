"""Predictions on the wire."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ml_service.learning.predictors import PredictionOptions

MOST_ROWS = 10_000

Row = dict[str, Any]  # Any: the model's own schema defines its cells


class PredictionRequest(BaseModel):
    """Either `features`, one row, or `rows`, several.

    `probabilities` adds those of each class. `coverage` is the share of rows whose true label is to be
    covered: a number then comes with its interval, a class with a set of labels.
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
    """A cell that was understood otherwise than it was sent; rows count from 1."""

    row: int
    feature: str
    detail: str


class IntervalView(BaseModel):
    low: float
    high: float


class PredictionView(BaseModel):
    """`prediction` answers `features` and `predictions` `rows`, and so on; class labels are as in the file.

    Only requested members are present. A set of labels has the likeliest first; it is empty for a row that no
    label fits well enough, as happens where a model is right more often than the coverage requires.
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
