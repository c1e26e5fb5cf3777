"""Whether more rows would help: the score of fits on fewer rows, beside the model's own."""

from dataclasses import dataclass

from kit.errors import ServiceError
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evidence import Evidence, Json, Labels, Refit
from ml_service.learning.reports.importance import quality
from ml_service.learning.reports.rules import main_metric

# Fits on parts must cost little beside the one that counts.
PARTS_OF_MANY = (500, 2_000)
MANY, FEW = 4_000, 10
MOST_SCORED = 1_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the model was fitted on, which the split has shuffled, and how to do it again."""

    rows: Matrix
    labels: Labels
    refit: Refit


def learning(fitted: Fitted, evidence: Evidence) -> Json | None:
    """None where no smaller part can be learnt from."""
    whole = len(fitted.rows)
    points: list[Json] = []
    for rows in PARTS_OF_MANY if whole >= MANY else (whole // 2,):
        if rows < FEW:
            continue
        try:
            part = fitted.refit(fitted.rows[:rows], fitted.labels[:rows])
            seen = part.score(fitted.rows[:rows][:MOST_SCORED], fitted.labels[:rows][:MOST_SCORED])
            unseen = part.score(evidence.rows[:MOST_SCORED], evidence.labels[:MOST_SCORED])
        except (ServiceError, ValueError):  # a class too few, or fewer rows than neighbours
            continue
        points.append(_point(rows, seen, unseen))
    if not points:
        return None
    seen = quality(evidence, fitted.labels[:MOST_SCORED], evidence.score(fitted.rows[:MOST_SCORED]))
    unseen = quality(evidence, evidence.labels[:MOST_SCORED], evidence.scores[:MOST_SCORED])
    points.append(_point(whole, seen, unseen))
    curves = {name: [each[name] for each in points] for name in points[0]}
    return {**curves, "metric": main_metric(evidence.task)}


def _point(rows: int, seen: float, unseen: float) -> Json:
    return {"training_rows": rows, "training_score": float(seen), "test_score": float(unseen)}
