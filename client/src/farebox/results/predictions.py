"""Predictions."""

from pathlib import Path

from farebox.results.base import Charge, Result

Value = float | int | str


class PredictionWarning(Result):
    """A cell that was read differently from its text; rows count from 1."""

    row: int
    feature: str
    detail: str


class Interval(Result):
    """A range that contains the number as often as the requested coverage."""

    low: float
    high: float


class Prediction(Result):
    """The prediction for one row; a class label has the type and spelling of the training data.

    Probabilities, and the interval or label set that contains the truth as often as `coverage`, are present
    on request. `warnings` are the first of them; `warning_count` counts all.
    """

    model: str
    prediction: Value
    probabilities: dict[str, float] | None = None
    coverage: float | None = None
    interval: Interval | None = None
    label_set: list[str | int] | None = None
    warnings: list[PredictionWarning]
    warning_count: int = 0
    charge: Charge | None = None


class Predictions(Result):
    """The predictions for several rows, in their order; see `Prediction`."""

    model: str
    predictions: list[Value]
    probabilities: list[dict[str, float]] | None = None
    coverage: float | None = None
    intervals: list[Interval] | None = None
    label_sets: list[list[str | int]] | None = None
    warnings: list[PredictionWarning]
    warning_count: int = 0
    charge: Charge | None = None


class PredictedFile(Result):
    """The file of rows with predictions; `failed` rows have the reason instead and cost nothing."""

    path: Path
    rows: int
    failed: int
    charge: Charge | None = None
