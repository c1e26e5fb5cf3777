"""Fits on parts of the training rows: the learning curve, and the shape of prediction intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from kit.errors import ServiceError
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.calibration import SAME_WIDTH, IntervalShape, measure_shape
from ml_service.learning.reports.evaluation import Evaluation, Labels, quality
from ml_service.learning.tables import Json

# Fits on fewer rows must cost little beside the model's own.
PARTS_OF_MANY = (500, 2_000)
MANY, FEW = 4_000, 10
MOST_SCORED = 1_000
MOST_MEASURED = 2_000

Refit = Callable[[Matrix, Labels], Any]  # Any: a fitted estimator of scikit-learn


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The rows of the fit, shuffled by the split, and a function that fits the same model type again."""

    rows: Matrix
    labels: Labels
    fit_first: Callable[[int], Any]  # Any: as in Refit

    @classmethod
    def of(cls, rows: Matrix, labels: Labels, refit: Refit) -> "TrainingSet":
        """Each part is fitted once, since the curve and the intervals use the same."""
        return cls(rows, labels, cache(lambda count: refit(rows[:count], labels[:count])))

    @property
    def parts(self) -> tuple[int, ...]:
        rows = len(self.rows)
        parts = PARTS_OF_MANY if rows >= MANY else (rows // 4, rows // 2)
        return tuple(part for part in parts if part >= FEW)


def interval_shape(training: TrainingSet) -> IntervalShape:
    """The errors of the largest partial fit on training rows that it has not seen.

    The model itself has seen all of them, and fits some of them without an error.
    """
    if not training.parts:
        return SAME_WIDTH
    largest = training.parts[-1]
    unseen = slice(largest, largest + MOST_MEASURED)
    try:
        predicted = training.fit_first(largest).predict(training.rows[unseen])
    except (ServiceError, ValueError):  # fewer rows than neighbours
        return SAME_WIDTH
    return measure_shape(np.asarray(predicted, float), training.labels[unseen])


def learning_curve(training: TrainingSet, evaluation: Evaluation) -> Json | None:
    """Scores of fits on fewer rows, beside the model's own; None if no smaller part can be fitted.

    All are scored on the evaluation's test rows. Training scores are of the first rows of each part.
    """
    points: list[Json] = []
    for rows in training.parts:
        try:
            estimator = training.fit_first(rows)
            scored = min(rows, MOST_SCORED)
            training_score = estimator.score(training.rows[:scored], training.labels[:scored])
            test_score = estimator.score(evaluation.rows, evaluation.labels)
        except (ServiceError, ValueError):  # a single class, or fewer rows than neighbours
            continue
        points.append(_point(rows, training_score, test_score))
    if not points:
        return None
    scores = evaluation.score(training.rows[:MOST_SCORED])
    training_score = quality(evaluation, training.labels[:MOST_SCORED], scores)
    test_score = quality(evaluation, evaluation.labels, evaluation.scores)
    points.append(_point(len(training.rows), training_score, test_score))
    curves = {name: [point[name] for point in points] for name in points[0]}
    return {**curves, "metric": evaluation.main_metric, "test_rows": len(evaluation.rows)}


def _point(rows: int, training_score: float, test_score: float) -> Json:
    return {"training_rows": rows, "training_score": float(training_score), "test_score": float(test_score)}
