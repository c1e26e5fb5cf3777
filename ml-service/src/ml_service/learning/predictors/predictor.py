"""Predictor: predictions of a compiled model, without a data frame, a pipeline or a pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ml_service.learning.model_types.protocol import Matrix, Scorer
from ml_service.learning.predictors.calibration import Calibration, nonconformity
from ml_service.learning.predictors.encoding import (
    Columns,
    Encoder,
    Features,
    FeatureType,
    FeatureWarning,
)
from ml_service.learning.predictors.errors import NoProbabilities, PredictionTooLarge
from ml_service.learning.tables.table import Json, RowErrors

Label = str | int | float

# Encoded rows of one request, 200 MB: they are not paid yet, and a model with many categories is wide.
MOST_CELLS = 25_000_000


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
    probabilities: list[list[float]] | None = None
    intervals: list[tuple[float, float]] | None = None
    label_sets: list[list[Label]] | None = None


class EncodedRows(NamedTuple):
    """Validated rows as numbers, ready to be scored."""

    matrix: Matrix
    warnings: list[FeatureWarning]


class Predictor:
    """Predictor with the results of the model's pipeline."""

    def __init__(
        self, encoder: Encoder, score: Scorer, classes: Sequence[str | int], calibration: Calibration
    ) -> None:
        self.classes = tuple(classes)
        self._encoder = encoder
        self._score = score
        self._calibration = calibration

    @property
    def kinds(self) -> Mapping[str, FeatureType]:
        """The type of each feature."""
        return self._encoder.kinds

    @property
    def width(self) -> int:
        """The number of columns of an encoded row."""
        return self._encoder.width

    def predict(self, rows: Sequence[Features], options: PredictionOptions = DEFAULT_OPTIONS) -> Predictions:
        encoded = self.encode(rows)
        self.check(options)
        return self.score(encoded, options)

    def predict_columns(
        self, columns: Columns, rows: int, options: PredictionOptions
    ) -> tuple[Predictions, RowErrors]:
        """Predict column by column; the entry of a row with an error has no meaning."""
        matrix, errors = self._encoder.encode_columns(columns, rows)
        self.check(options)
        return self.score(EncodedRows(matrix, []), options), errors

    def check(self, options: PredictionOptions) -> None:
        """Raise NoProbabilities or CoverageTooHigh if the model cannot serve the options."""
        if options.probabilities and not self.classes:
            raise NoProbabilities
        if options.coverage is not None:
            self._calibration.limit(options.coverage)

    def encode(self, rows: Sequence[Features]) -> EncodedRows:
        """Validate the rows and convert them to numbers; raises PredictionTooLarge or FeatureError."""
        limit = max(1, MOST_CELLS // max(1, self.width))
        if len(rows) > limit:
            raise PredictionTooLarge(limit)
        return EncodedRows(*self._encoder.encode(rows))

    def score(self, encoded: EncodedRows, options: PredictionOptions = DEFAULT_OPTIONS) -> Predictions:
        """Predict encoded rows, with options that `check` has accepted."""
        matrix, warnings = encoded
        scores: Matrix = self._score(matrix)
        if not self.classes:
            return Predictions(scores.tolist(), warnings, intervals=self._intervals(scores, options.coverage))
        return Predictions(
            [self.classes[index] for index in scores.argmax(axis=1)],
            warnings,
            probabilities=scores.tolist() if options.probabilities else None,
            label_sets=self._label_sets(matrix, scores, options.coverage),
        )

    def _intervals(self, values: Matrix, coverage: float | None) -> list[tuple[float, float]] | None:
        if coverage is None:
            return None
        margin = self._calibration.limit(coverage)
        return list(zip((values - margin).tolist(), (values + margin).tolist(), strict=True))

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
