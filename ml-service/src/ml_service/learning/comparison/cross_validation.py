"""How good a candidate is: fitted on parts of the training rows and scored on the rest of them, in turns."""

import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from kit.errors import ServiceError
from ml_service.learning.comparison.candidates import FOLDS
from ml_service.learning.model_types import Task
from ml_service.learning.tables import CsvLimits, Kind, read_table
from ml_service.learning.training.errors import FitFailed
from ml_service.learning.training.fitting import Part, fit, prepare
from ml_service.learning.training.runs import Report, take_apart
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.splitting import Positions

METRICS: Mapping[Task, str] = {"classification": "balanced_accuracy", "regression": "r2_score"}


@dataclass(frozen=True, slots=True)
class Turn:
    score: float
    fit_seconds: float
    predict_seconds: float


def score_candidate(
    path: str, spec: Mapping[str, Any], report: Report, limits: CsvLimits
) -> dict[str, Any]:  # Any: JSON
    """In plain values: {"result": ...} or {"error": {"code", "detail", "members"}}."""
    try:
        return {"result": cross_validate(Path(path), TrainingSpec.from_json(spec), report, limits)}
    except ServiceError as error:
        return {"error": {"code": error.code, "detail": error.detail, "members": error.members}}


def cross_validate(
    path: Path, spec: TrainingSpec, report: Report, limits: CsvLimits
) -> dict[str, Any]:  # Any: JSON
    """The figures of an entry; the test rows are left for the one that is chosen."""
    report("reading")
    material = take_apart(read_table(path, limits, {*spec.features, spec.label}, spec.kinds), spec)
    report("fitting")
    task = material.plan.task
    # A task has one core.
    with threadpool_limits(1):
        turns = [
            _take_turn(spec, task, material.kinds, parts)
            for parts in _turns(material.training, task, spec.seed)
        ]
    scores = [turn.score for turn in turns]
    if not np.isfinite(scores).all():
        raise FitFailed
    return {
        "metric": METRICS[task],
        "score": float(np.mean(scores)),
        "spread": float(np.std(scores)),
        "fit_seconds": float(np.mean([turn.fit_seconds for turn in turns])),
        "predict_seconds": float(np.mean([turn.predict_seconds for turn in turns])),
    }


def _turns(training: Part, task: Task, seed: int) -> Iterator[tuple[Part, Part]]:
    _, members = np.unique(training.labels, return_counts=True)
    kind = StratifiedKFold if task == "classification" and members.max() >= FOLDS else KFold
    with warnings.catch_warnings():
        # A class with fewer rows than there are folds is missing in some of them.
        warnings.simplefilter("ignore")
        turns = list(kind(FOLDS, shuffle=True, random_state=seed).split(training.frame, training.labels))
    for fitted, held_out in turns:
        yield _rows(training, fitted), _rows(training, held_out)


def _rows(part: Part, rows: Positions) -> Part:
    return Part(part.frame.iloc[rows], part.labels[rows])


def _take_turn(spec: TrainingSpec, task: Task, kinds: dict[str, Kind], parts: tuple[Part, Part]) -> Turn:
    fitted, held_out = parts
    began = time.perf_counter()
    prepared, rows = prepare(fitted, kinds, spec.model_type)
    estimator, _ = fit(spec, task, rows, fitted.labels)
    ready = time.perf_counter()
    try:
        predicted = Pipeline([("preparation", prepared), ("model", estimator)]).predict(held_out.frame)
    except ValueError as error:
        # Such as more neighbours than rows, which some types only see when they predict.
        raise FitFailed from error
    done = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measure = balanced_accuracy_score if task == "classification" else r2_score
        return Turn(float(measure(held_out.labels, predicted)), ready - began, done - ready)
