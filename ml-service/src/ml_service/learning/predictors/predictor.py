"""A model in the form that answers requests: no data frame, no pipeline, no pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml_service.learning.model_types.protocol import Matrix, Scorer
from ml_service.learning.predictors.calibration import Calibration, strangeness
from ml_service.learning.predictors.encoding import Columns, Encoder, Faults, Features, FeatureWarning, Kind
from ml_service.learning.predictors.errors import NoProbabilities

Label = str | int | float


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted beside predictions: classes' probabilities, and what covers the truth this often."""

    probabilities: bool = False
    coverage: float | None = None


PLAIN = Asked()


@dataclass(frozen=True, slots=True)
class Predictions:
    """For each row a value and, where asked for, probabilities in the order of the predictor's classes, the
    interval that a number lies in, or the labels to reckon with: likeliest first, and none for a row that is
    among the few which the coverage gives up on.
    """

    values: list[Label]
    warnings: list[FeatureWarning]
    probabilities: list[list[float]] | None = None
    intervals: list[tuple[float, float]] | None = None
    label_sets: list[list[Label]] | None = None


class Predictor:
    """Answers what `pipeline.predict` of the same model would."""

    def __init__(
        self, encoder: Encoder, score: Scorer, classes: Sequence[str | int], calibration: Calibration
    ) -> None:
        self.classes = tuple(classes)
        self._encoder = encoder
        self._score = score
        self._calibration = calibration

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What each feature's cells are."""
        return self._encoder.kinds

    @property
    def width(self) -> int:
        """The numbers that the model sees of a row."""
        return self._encoder.width

    def predict(self, rows: Sequence[Features], asked: Asked = PLAIN) -> Predictions:
        matrix, warnings = self._encoder.encode(rows)
        return self._say(matrix, warnings, asked)

    def predict_columns(self, columns: Columns, rows: int, asked: Asked) -> tuple[Predictions, Faults]:
        """The same for many rows, column by column; what is said of a row with a fault means nothing."""
        matrix, faults = self._encoder.encode_columns(columns, rows)
        return self._say(matrix, [], asked), faults

    def _say(self, matrix: Matrix, warnings: list[FeatureWarning], asked: Asked) -> Predictions:
        scores: Matrix = self._score(matrix)
        if not self.classes:
            if asked.probabilities:
                raise NoProbabilities
            values: list[Label] = list(scores.tolist())
            return Predictions(values, warnings, intervals=self._intervals(scores, asked.coverage))
        return Predictions(
            [self.classes[index] for index in scores.argmax(axis=1)],
            warnings,
            probabilities=scores.tolist() if asked.probabilities else None,
            label_sets=self._label_sets(matrix, scores, asked.coverage),
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
        strange = strangeness(rows, probabilities)
        sizes = (strange <= self._calibration.limit(coverage)).sum(axis=1)
        likeliest = np.argsort(strange, axis=1)
        return [
            [self.classes[index] for index in order[:size]]
            for order, size in zip(likeliest, sizes, strict=True)
        ]
