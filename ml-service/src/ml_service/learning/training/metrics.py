"""Metrics of predictions, computed by scikit-learn."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor

from ml_service.learning.model_types import Task

Values = npt.NDArray[Any]  # Any: text, whole numbers or numbers
Metrics = dict[str, float | None]


def score(estimator: Any, task: Task, rows: Any, labels: Values) -> Metrics:  # Any: scikit-learn's types
    predicted = estimator.predict(rows)
    if task == "regression":
        return regression_metrics(labels, predicted)
    return classification_metrics(
        labels, predicted, estimator.predict_proba(rows), estimator.classes_.tolist()
    )


def score_baseline(task: Task, training_labels: Values, test_labels: Values) -> Metrics:
    """Metrics of the baseline, which always predicts the mean or the most common class."""
    dummy = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor(strategy="mean")
    dummy.fit(np.zeros((len(training_labels), 1)), training_labels)
    return score(dummy, task, np.zeros((len(test_labels), 1)), test_labels)


def regression_metrics(actual: Values, predicted: Values) -> Metrics:
    return {
        "r2_score": _figure(lambda: sk.r2_score(actual, predicted)),
        "mean_squared_error": _figure(lambda: sk.mean_squared_error(actual, predicted)),
        "mean_absolute_error": _figure(lambda: sk.mean_absolute_error(actual, predicted)),
        "root_mean_squared_error": _figure(lambda: sk.root_mean_squared_error(actual, predicted)),
    }


def classification_metrics(
    actual: Values, predicted: Values, probabilities: Values, classes: Sequence[Any]
) -> Metrics:
    """Averages over classes are unweighted; numeric classes have the metrics of regression, too."""
    known = list(classes)
    macro: dict[str, Any] = {"average": "macro", "zero_division": 0}
    figures = {
        "accuracy": _figure(lambda: sk.accuracy_score(actual, predicted)),
        "balanced_accuracy": _figure(lambda: sk.balanced_accuracy_score(actual, predicted)),
        "precision_macro": _figure(lambda: sk.precision_score(actual, predicted, **macro)),
        "recall_macro": _figure(lambda: sk.recall_score(actual, predicted, **macro)),
        "f1_macro": _figure(lambda: sk.f1_score(actual, predicted, **macro)),
        "roc_auc": _figure(lambda: _roc_auc(actual, probabilities, known)),
        "log_loss": _figure(lambda: sk.log_loss(actual, probabilities, labels=known)),
    }
    numeric = np.issubdtype(np.asarray(known).dtype, np.number)
    return {**figures, **regression_metrics(actual, predicted)} if numeric else figures


def _roc_auc(actual: Values, probabilities: Values, classes: Sequence[Any]) -> float:
    if len(classes) == 2:
        return sk.roc_auc_score(actual == classes[1], probabilities[:, 1])
    return sk.roc_auc_score(actual, probabilities, multi_class="ovr", average="macro", labels=classes)


def _figure(compute: Callable[[], float]) -> float | None:
    """None for an undefined metric, such as the ROC AUC of a class without test rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = float(compute())
        except ValueError:
            return None
    return value if math.isfinite(value) else None
