"""Fitting one model and scoring it: the scikit-learn part of a training."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml_service.learning.model_types import Task, get_model_type, parse
from ml_service.learning.tables import Kind
from ml_service.learning.training.errors import FitFailed, PartTooSmall
from ml_service.learning.training.frames import Labels
from ml_service.learning.training.metrics import classification_metrics, regression_metrics
from ml_service.learning.training.preparation import preparation
from ml_service.learning.training.spec import TrainingSpec

UNFINISHED = (
    "The solver stopped after max_iter steps before it had settled; raise max_iter or scale the data."
)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows to learn from, or to test on."""

    frame: pd.DataFrame
    labels: Labels


def prepare(
    part: Part, kinds: dict[str, Kind], model_type: str
) -> tuple[Any, Any]:  # Any: scikit-learn's types
    """The preparation fitted on this part, and the part prepared."""
    prepared = preparation(part.frame, kinds, get_model_type(model_type).scaled)
    return prepared, prepared.fit_transform(part.frame)


def fit(spec: TrainingSpec, task: Task, rows: Any, labels: Labels) -> tuple[Any, list[str]]:  # Any: as above
    """The fitted estimator, and what the caller should know about the fit."""
    if task == "classification" and len(set(labels.tolist())) == 1:
        raise PartTooSmall("training", len(labels), len(labels) + 1)
    estimator = get_model_type(spec.model_type).build(parse(spec.model_type, spec.params), task, spec.seed)
    # A task has one core, and sums made in one order are the same everywhere.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        try:
            estimator.fit(rows, labels)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise FitFailed from error
    unfinished = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return estimator, [UNFINISHED] if unfinished else []


def score(pipeline: Pipeline, task: Task, test: Part) -> dict[str, float | None]:
    predicted = pipeline.predict(test.frame)
    if task == "regression":
        return regression_metrics(test.labels, predicted)
    return classification_metrics(
        test.labels, predicted, pipeline.predict_proba(test.frame), pipeline.classes_.tolist()
    )


def score_baseline(task: Task, training: Part, test: Part) -> dict[str, float | None]:
    """The same figures for a guess that never looks at the features: the mean, or the most common class."""
    dummy = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor(strategy="mean")
    dummy.fit(np.zeros((len(training.labels), 1)), training.labels)
    return score(Pipeline([("model", dummy)]), task, test)
