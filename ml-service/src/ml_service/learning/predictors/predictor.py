"""Predictor: predictions of a compiled model, without a data frame, a pipeline or a pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ml_service.learning.model_types.protocol import Matrix, Scorer, in_pieces
from ml_service.learning.predictors.calibration import Calibration, nonconformity
from ml_service.learning.predictors.encoding import (
    Columns,
    Encoder,
    Features,
    FeatureType,
    FeatureWarning,
    Readings,
    UnknownCategories,
)
from ml_service.learning.predictors.errors import NoProbabilities, PredictionTooLarge
from ml_service.learning.tables.settings import ColumnReading, Json
from ml_service.learning.tables.table import RowErrors

Label = str | int | float

# Encoded rows of one request, 80 MB: they are not paid yet, and a model with many categories is wide.
MOST_CELLS = 10_000_000
# Rows are scored in pieces of 8 MB, since some model types copy them.
CELLS_AT_ONCE = 1_000_000
# Measured for reading a cell of a request, and for filling and scaling a column of the encoded row.
SECONDS_PER_FEATURE = 1e-6
SECONDS_PER_COLUMN = 5e-9
SECONDS_PER_REQUEST = 20e-6
BYTES_PER_NUMBER = 8
BYTES_PER_CATEGORY = 200


@dataclass(frozen=True, slots=True)
class PredictionOptions:
    """Extras of a prediction: class probabilities, and the coverage of intervals or label sets."""

    probabilities: bool = False
    coverage: float | None = None

    def to_json(self) -> Json:
        return {"probabilities": self.probabilities, "coverage": self.coverage}


DEFAULT_OPTIONS = PredictionOptions()


@dataclass(frozen=True, slots=True)
class Predictions:
    """One entry for each row, with the requested extras.

    Probabilities are in the order of the predictor's classes. Label sets have the likeliest label first; a
    row outside the coverage has an empty set.
    """

    values: list[Label]
    warnings: list[FeatureWarning]
    warning_count: int = 0
    probabilities: list[list[float]] | None = None
    intervals: list[tuple[float, float]] | None = None
    label_sets: list[list[Label]] | None = None

    def warnings_to_json(self) -> list[Json]:
        return [warning.to_json() for warning in self.warnings]


class EncodedRows(NamedTuple):
    """Validated rows as numbers, ready to be scored, with the first warnings and the number of all."""

    matrix: Matrix
    warnings: list[FeatureWarning]
    warning_count: int


class ColumnPredictions(NamedTuple):
    """Predictions of columns; the entry of a row with an error has no meaning."""

    predictions: Predictions
    errors: RowErrors
    unknown: UnknownCategories


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimated time to score a row, and the estimated memory of the model."""

    row_seconds: float = 0.0
    model_bytes: int = 0


class Predictor:
    """Predictor with the results of the model's pipeline."""

    def __init__(
        self,
        encoder: Encoder,
        score: Scorer,
        classes: Sequence[str | int],
        calibration: Calibration,
        cost: Cost = Cost(),
    ) -> None:
        self.classes = tuple(classes)
        self._encoder = encoder
        self._score = score
        self._calibration = calibration
        self.memory_bytes = cost.model_bytes + encoder.width * BYTES_PER_CATEGORY
        self._row_seconds = (
            cost.row_seconds + len(encoder.kinds) * SECONDS_PER_FEATURE + encoder.width * SECONDS_PER_COLUMN
        )
        self._rows_at_once = max(1, CELLS_AT_ONCE // max(1, encoder.width))

    @property
    def kinds(self) -> Mapping[str, FeatureType]:
        """The type of each feature."""
        return self._encoder.kinds

    @property
    def readings(self) -> Readings:
        """The settings by which each feature's cells were read in training."""
        return self._encoder.readings

    @property
    def label(self) -> str | None:
        """The name of the label; None in a model of an earlier version."""
        return self._encoder.label

    @property
    def label_reading(self) -> ColumnReading:
        return self._encoder.label_reading

    @property
    def width(self) -> int:
        """The number of columns of an encoded row."""
        return self._encoder.width

    @property
    def most_rows(self) -> int:
        """The number of rows that are encoded at once."""
        return max(1, MOST_CELLS // max(1, self.width))

    def estimate_seconds(self, rows: int) -> float:
        """Estimate the time of one core to encode and score rows, rather too high than too low."""
        return SECONDS_PER_REQUEST + rows * self._row_seconds

    def request_bytes(self, rows: int) -> int:
        """Estimate the memory of a request: its encoded rows, the piece being scored, and the scores."""
        pieces = min(rows, self._rows_at_once)
        numbers = (rows + 2 * pieces) * self.width + 4 * rows * max(1, len(self.classes))
        return numbers * BYTES_PER_NUMBER

    def predict(self, rows: Sequence[Features], options: PredictionOptions = DEFAULT_OPTIONS) -> Predictions:
        encoded = self.encode(rows)
        self.check(options)
        return self.score(encoded, options)

    def predict_columns(
        self, columns: Columns, rows: int, options: PredictionOptions, readings: Readings | None = None
    ) -> ColumnPredictions:
        """Predict column by column; `readings` replaces the settings by which some of them are read."""
        matrix, errors, unknown = self._encoder.encode_columns(columns, rows, readings)
        self.check(options)
        return ColumnPredictions(self.score(EncodedRows(matrix, [], 0), options), errors, unknown)

    def check(self, options: PredictionOptions) -> None:
        """Raise NoProbabilities or CoverageTooHigh if the model cannot serve the options."""
        if options.probabilities and not self.classes:
            raise NoProbabilities
        if options.coverage is not None:
            self._calibration.limit(options.coverage)

    def encode(self, rows: Sequence[Features]) -> EncodedRows:
        """Validate the rows and convert them to numbers; raises PredictionTooLarge or FeatureError."""
        if len(rows) > self.most_rows:
            raise PredictionTooLarge(self.most_rows)
        matrix, warnings = self._encoder.encode(rows)
        return EncodedRows(matrix, warnings.first, warnings.count)

    def score(self, encoded: EncodedRows, options: PredictionOptions = DEFAULT_OPTIONS) -> Predictions:
        """Predict encoded rows, with options that `check` has accepted."""
        matrix, warnings, count = encoded
        scores = in_pieces(self._score, matrix, self._rows_at_once)
        if not self.classes:
            intervals = self._intervals(scores, options.coverage)
            return Predictions(scores.tolist(), warnings, count, intervals=intervals)
        return Predictions(
            [self.classes[index] for index in scores.argmax(axis=1)],
            warnings,
            count,
            probabilities=scores.tolist() if options.probabilities else None,
            label_sets=self._label_sets(matrix, scores, options.coverage),
        )

    def _intervals(self, values: Matrix, coverage: float | None) -> list[tuple[float, float]] | None:
        return None if coverage is None else self._calibration.intervals(values, coverage)

    def _label_sets(
        self, rows: Matrix, probabilities: Matrix, coverage: float | None
    ) -> list[list[Label]] | None:
        if coverage is None:
            return None
        scores = nonconformity(rows, probabilities)
        sizes = (scores <= self._calibration.limit(coverage)).sum(axis=1)
        likeliest = np.argsort(scores, axis=1)
        return [
            [self.classes[index] for index in ranking[:size]]
            for ranking, size in zip(likeliest, sizes, strict=True)
        ]
