"""What models say."""

from pathlib import Path

from farebox.results.base import Charge, Result

Value = float | int | str


class PredictionWarning(Result):
    """A cell that was understood otherwise than it was sent; rows count from 1."""

    row: int
    feature: str
    detail: str


class Interval(Result):
    """What a number lies in, as often as was asked for."""

    low: float
    high: float


class Prediction(Result):
    """What the model says about one row; a class label is as it was in the file.

    Probabilities, and the interval or the set of labels that covers the truth as often as `coverage` says,
    are there when they were asked for.
    """

    model: str
    prediction: Value
    probabilities: dict[str, float] | None = None
    coverage: float | None = None
    interval: Interval | None = None
    label_set: list[str | int] | None = None
    warnings: list[PredictionWarning]
    charge: Charge | None = None


class Predictions(Result):
    """What the model says about each row, in the rows' order; see `Prediction`."""

    model: str
    predictions: list[Value]
    probabilities: list[dict[str, float]] | None = None
    coverage: float | None = None
    intervals: list[Interval] | None = None
    label_sets: list[list[str | int]] | None = None
    warnings: list[PredictionWarning]
    charge: Charge | None = None


class PredictedFile(Result):
    """Where the rows and their predictions are now; those that failed say why and cost nothing."""

    path: Path
    rows: int
    failed: int
    charge: Charge | None = None
