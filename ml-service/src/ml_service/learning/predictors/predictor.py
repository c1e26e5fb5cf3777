"""Predictor: predictions of a compiled model, without a data frame, a pipeline or a pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from ml_service.learning.predictors.errors import NoProbabilities
from ml_service.learning.tables.table import RowErrors

Label = str | int | float


@dataclass(frozen=True, slots=True)
class PredictionOptions:
    """Extras of a prediction: class probabilities, and the coverage of intervals or label sets."""

    probabilities: bool = False
    coverage: float | None = None


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
        matrix, warnings = self._encoder.encode(rows)
        return self._score_rows(matrix, warnings, options)

    def predict_columns(
        self, columns: Columns, rows: int, options: PredictionOptions
    ) -> tuple[Predictions, RowErrors]:
        """Predict column by column; the entry of a row with an error has no meaning."""
        matrix, errors = self._encoder.encode_columns(columns, rows)
        return self._score_rows(matrix, [], options), errors

    def _score_rows(
        self, matrix: Matrix, warnings: list[FeatureWarning], options: PredictionOptions
    ) -> Predictions:
        scores: Matrix = self._score(matrix)
        if not self.classes:
            if options.probabilities:
                raise NoProbabilities
            values: list[Label] = list(scores.tolist())
            return Predictions(values, warnings, intervals=self._intervals(scores, options.coverage))
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
