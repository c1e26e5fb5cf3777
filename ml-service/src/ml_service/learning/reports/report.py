"""A whole report, in plain values."""

from collections.abc import Sequence

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.errors import CoverageTooHigh
from ml_service.learning.reports.bootstrap import intervals
from ml_service.learning.reports.curves import confusion_matrix, curves, predicted_actual, residuals
from ml_service.learning.reports.evidence import Evidence, Json
from ml_service.learning.reports.importance import importance
from ml_service.learning.reports.learning import Fitted, learning
from ml_service.learning.reports.rules import Score, main_metric, metric_rows, verdict

COVERAGE = 0.9
FOLDS = 5


def describe(evidence: Evidence, fitted: Fitted, findings: Sequence[Json]) -> Json:
    """All of a report but for what the model is and how to make it again."""
    spans = intervals(evidence)
    main = main_metric(evidence.task)
    interval = spans.get(main, (None, None))
    score = Score(evidence.metrics[main], interval, evidence.baseline[main], evidence.test_rows)
    return {
        "verdict": verdict(evidence.task, score),
        "metrics": metric_rows(evidence.metrics, evidence.baseline, spans),
        "confusion_matrix": confusion_matrix(evidence),
        **curves(evidence),
        "residuals": residuals(evidence),
        "predicted_actual": predicted_actual(evidence),
        "importance": importance(evidence),
        "learning": learning(fitted, evidence),
        "findings": list(findings),
        "intervals": measured_coverage(evidence.strangeness),
    }


def measured_coverage(strangeness: Matrix) -> Json | None:
    """How often a calibration on four fifths of the rows covers the others; None where they are too few."""
    folds = np.array_split(strangeness, FOLDS)
    covered = 0
    for number, fold in enumerate(folds):
        try:
            limit = Calibration(np.concatenate(folds[:number] + folds[number + 1 :])).limit(COVERAGE)
        except CoverageTooHigh:
            return None
        covered += int((fold <= limit).sum())
    rows = len(strangeness)
    return {
        "coverage_nominal": COVERAGE,
        "coverage_measured": covered / rows,
        "calibration_rows": rows,
    }


def sign(report: Json, model: str, created_at: str, leaderboard: Sequence[Json] | None) -> Json:
    """With what was not known yet when the model was trained."""
    return {"model": model, "created_at": created_at, **report, "leaderboard": leaderboard}
