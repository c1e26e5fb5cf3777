"""Predictions."""

import csv
import re
from itertools import islice
from pathlib import Path

from farebox.errors import InvalidArgument
from farebox.results.base import Charge, Result

Value = float | int | str
# The last column of a predicted CSV file shows its delimiter.
HEADER_END = re.compile(r"([,;\t|])(error|unknown_categories)\r\n")
LONGEST_HEADER = 1 << 20


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
    """The file of rows with predictions; `failed` rows have the reason instead and cost nothing.

    `unknown` rows have a category that the model has not learnt. `scores` compare the predictions with the
    label, if the file has all its cells. `media_type` is that of the file; for CSV it names the charset.
    """

    path: Path
    rows: int
    failed: int
    unknown: int = 0
    scores: dict[str, float | None] | None = None
    media_type: str = "text/csv; charset=utf-8"
    charge: Charge | None = None

    def read(self, most: int | None = None) -> list[dict[str, str]]:
        """The rows of a CSV file, or the first of them, as texts by column."""
        if not self.is_csv:
            raise InvalidArgument(f"{self.path} is not a CSV file; open it with a program for its format.")
        charset = self.media_type.partition("charset=")[2] or "utf-8"
        # Python's other codec of UTF-8 drops a byte order mark.
        encoding = "utf-8-sig" if charset == "utf-8" else charset
        with self.path.open(encoding=encoding, newline="") as file:
            header_end = HEADER_END.search(file.read(LONGEST_HEADER))
            if header_end is None:
                raise InvalidArgument(f"{self.path} has no header of predictions; download it again.")
            file.seek(0)
            return list(islice(csv.DictReader(file, delimiter=header_end[1]), most))

    @property
    def is_csv(self) -> bool:
        return self.media_type.startswith("text/csv")
