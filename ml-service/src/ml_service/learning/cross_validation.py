"""Scores of a comparison's candidate, on a worker: by cross-validation, or on the test part."""

import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml_service.learning.leaderboard import FOLDS
from ml_service.learning.model_types import Task
from ml_service.learning.tables import CsvLimits, Json, read_stored_table
from ml_service.learning.training.errors import FitFailed
from ml_service.learning.training.metrics import score
from ml_service.learning.training.pipeline import ReportStage, fit, prepare
from ml_service.learning.training.preparation import Rows, Split, split
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.splitting import folds_of, require_classes

METRICS: Mapping[Task, str] = {"classification": "balanced_accuracy", "regression": "r2_score"}


def cross_validate(
    path: Path, spec: TrainingSpec, report_stage: ReportStage, limits: CsvLimits, sha256: bytes | None = None
) -> Json:
    """Score a candidate on the training set; the test set is reserved for the chosen one.

    The result has the figures of an entry of the leaderboard.
    """
    report_stage("reading")
    data = split(read_stored_table(path, limits, spec.columns, spec.reading, sha256), spec)
    report_stage("fitting")
    # A task has one core.
    with threadpool_limits(1):
        folds = [_score_fold(spec, data, *fold) for fold in _folds(data, spec)]
    scores = [fold.score for fold in folds]
    if not np.isfinite(scores).all():
        raise FitFailed
    return {
        "metric": METRICS[data.plan.task],
        "score": float(np.mean(scores)),
        "spread": float(np.std(scores)),
        "standard_error": float(np.std(scores, ddof=1) / np.sqrt(FOLDS)),
        "fit_seconds": float(np.mean([fold.fit_seconds for fold in folds])),
        "predict_seconds": float(np.mean([fold.predict_seconds for fold in folds])),
    }


def score_test_part(
    path: Path, spec: TrainingSpec, report_stage: ReportStage, limits: CsvLimits, sha256: bytes | None = None
) -> Json:
    """The metrics of a candidate fitted and tested like the chosen model, for a comparison with it."""
    report_stage("reading")
    data = split(read_stored_table(path, limits, spec.columns, spec.reading, sha256), spec)
    report_stage("fitting")
    preparation, rows = prepare(data.training, data, spec)
    estimator, _ = fit(spec, data.plan.task, rows, data.training.labels)
    pipeline = Pipeline([("preparation", preparation), ("model", estimator)])
    with threadpool_limits(1):
        return {"metrics": score(pipeline, data.test.frame, data.test.labels, data.classes)}


@dataclass(frozen=True, slots=True)
class _FoldScore:
    score: float
    fit_seconds: float
    predict_seconds: float


def _folds(data: Split, spec: TrainingSpec) -> Iterator[tuple[Rows, Rows]]:
    training = data.training
    with warnings.catch_warnings():
        # scikit-learn warns of classes with fewer rows than folds.
        warnings.simplefilter("ignore")
        folds = list(folds_of(spec, data.parts, training.labels, data.plan, FOLDS))
    for fitted, tested in folds:
        require_classes(spec, data.plan, training.labels[fitted])
        yield training.take(fitted), training.take(tested)


def _score_fold(spec: TrainingSpec, data: Split, fitted: Rows, tested: Rows) -> _FoldScore:
    task = data.plan.task
    started = time.perf_counter()
    preparation, rows = prepare(fitted, data, spec)
    estimator, _ = fit(spec, task, rows, fitted.labels)
    fit_ended = time.perf_counter()
    try:
        predicted = Pipeline([("preparation", preparation), ("model", estimator)]).predict(tested.frame)
    except ValueError as error:
        # Some faults, such as more neighbours than rows, occur in prediction.
        raise FitFailed from error
    ended = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = balanced_accuracy_score if task == "classification" else r2_score
        return _FoldScore(float(metric(tested.labels, predicted)), fit_ended - started, ended - fit_ended)
