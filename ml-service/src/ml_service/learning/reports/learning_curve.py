"""The learning curve: scores of fits on fewer rows, beside the model's own."""

from dataclasses import dataclass

from kit.errors import ServiceError
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evaluation import Evaluation, Labels, Refit
from ml_service.learning.reports.importance import quality
from ml_service.learning.reports.verdict import main_metric
from ml_service.learning.tables import Json

# Fits on fewer rows must cost little beside the model's own.
PARTS_OF_MANY = (500, 2_000)
MANY, FEW = 4_000, 10
MOST_SCORED = 1_000


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The rows of the fit, which the split has shuffled, and a function that fits again."""

    rows: Matrix
    labels: Labels
    refit: Refit


def learning_curve(training: TrainingSet, evaluation: Evaluation) -> Json | None:
    """None where no smaller part can be fitted."""
    whole = len(training.rows)
    test_rows, test_labels = evaluation.rows[:MOST_SCORED], evaluation.labels[:MOST_SCORED]
    points: list[Json] = []
    for rows in PARTS_OF_MANY if whole >= MANY else (whole // 2,):
        if rows < FEW:
            continue
        try:
            part = training.refit(training.rows[:rows], training.labels[:rows])
            scored = min(rows, MOST_SCORED)
            training_score = part.score(training.rows[:scored], training.labels[:scored])
            test_score = part.score(test_rows, test_labels)
        except (ServiceError, ValueError):  # a class too few, or fewer rows than neighbours
            continue
        points.append(_point(rows, training_score, test_score))
    if not points:
        return None
    scores = evaluation.score(training.rows[:MOST_SCORED])
    training_score = quality(evaluation, training.labels[:MOST_SCORED], scores)
    test_score = quality(evaluation, test_labels, evaluation.scores[:MOST_SCORED])
    points.append(_point(whole, training_score, test_score))
    curves = {name: [each[name] for each in points] for name in points[0]}
    return {**curves, "metric": main_metric(evaluation.task)}


def _point(rows: int, training_score: float, test_score: float) -> Json:
    return {"training_rows": rows, "training_score": float(training_score), "test_score": float(test_score)}
