"""A report in plain values: everything but its presentation."""

from collections.abc import Sequence

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.reports.confidence_intervals import confidence_intervals
from ml_service.learning.reports.curves import confusion_matrix, curves, predicted_actual, residuals
from ml_service.learning.reports.evaluation import Evaluation
from ml_service.learning.reports.importance import importance
from ml_service.learning.reports.learning_curve import TrainingSet, learning_curve
from ml_service.learning.reports.verdict import Score, main_metric, metric_rows, verdict
from ml_service.learning.tables import Json

COVERAGE = 0.9
FOLDS = 5


def make_report(evaluation: Evaluation, training: TrainingSet, findings: Sequence[Json]) -> Json:
    """All of a report but the model's description and recipe."""
    intervals = confidence_intervals(evaluation)
    main = main_metric(evaluation.task)
    score = Score(
        evaluation.metrics[main],
        intervals.get(main, (None, None)),
        evaluation.baseline[main],
        evaluation.test_rows,
    )
    return {
        "verdict": verdict(evaluation.task, score),
        "metrics": metric_rows(evaluation.metrics, evaluation.baseline, intervals),
        "confusion_matrix": confusion_matrix(evaluation),
        **curves(evaluation),
        "residuals": residuals(evaluation),
        "predicted_actual": predicted_actual(evaluation),
        "importance": importance(evaluation),
        "learning": learning_curve(training, evaluation),
        "findings": list(findings),
        "intervals": measured_coverage(evaluation.nonconformity),
    }


def measured_coverage(nonconformity: Matrix) -> Json | None:
    """The coverage of each fifth of the rows by a calibration on the others; None where they are too few."""
    folds = np.array_split(nonconformity, FOLDS)
    covered = 0
    for number, fold in enumerate(folds):
        try:
            limit = Calibration(np.concatenate(folds[:number] + folds[number + 1 :])).limit(COVERAGE)
        except CoverageTooHigh:
            return None
        covered += int((fold <= limit).sum())
    rows = len(nonconformity)
    return {
        "coverage_nominal": COVERAGE,
        "coverage_measured": covered / rows,
        "calibration_rows": rows,
    }


def complete_report(report: Json, model: str, created_at: str, leaderboard: Sequence[Json] | None) -> Json:
    """The stored report with the facts that were unknown while the model was trained."""
    return {"model": model, "created_at": created_at, **report, "leaderboard": leaderboard}
