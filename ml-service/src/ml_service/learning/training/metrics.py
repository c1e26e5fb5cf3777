"""Metrics of predictions, computed by scikit-learn."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor

Values = npt.NDArray[Any]  # Any: texts, whole numbers or numbers
Metrics = dict[str, float | None]


def score(estimator: Any, rows: Any, labels: Values, classes: Values) -> Metrics:  # Any: scikit-learn's types
    """Metrics of an estimator of codes of these classes, or of numbers if there are none."""
    predicted = estimator.predict(rows)
    if not len(classes):
        return regression_metrics(labels, predicted)
    figures = classification_metrics(
        labels, predicted, estimator.predict_proba(rows), estimator.classes_.tolist()
    )
    # Numeric classes have the metrics of regression, too.
    numeric = np.issubdtype(classes.dtype, np.number)
    return {**figures, **regression_metrics(classes[labels], classes[predicted])} if numeric else figures


def score_baseline(training_labels: Values, test_labels: Values, classes: Values) -> Metrics:
    """Metrics of the baseline, which always predicts the mean or the most common class."""
    dummy = DummyClassifier(strategy="prior") if len(classes) else DummyRegressor(strategy="mean")
    dummy.fit(np.zeros((len(training_labels), 1)), training_labels)
    return score(dummy, np.zeros((len(test_labels), 1)), test_labels, classes)


def regression_metrics(actual: Values, predicted: Values) -> Metrics:
    return {
        "r2_score": _figure(lambda: sk.r2_score(actual, predicted)),
        "mean_squared_error": _figure(lambda: sk.mean_squared_error(actual, predicted)),
        "mean_absolute_error": _figure(lambda: sk.mean_absolute_error(actual, predicted)),
        "root_mean_squared_error": _figure(lambda: sk.root_mean_squared_error(actual, predicted)),
    }


def classification_metrics(
    actual: Values, predicted: Values, probabilities: Values, classes: Sequence[int]
) -> Metrics:
    """Averages over classes are unweighted; `classes` are the codes of the columns of probabilities."""
    macro: dict[str, Any] = {"average": "macro", "zero_division": 0}
    precision, recall, f1, _ = sk.precision_recall_fscore_support(actual, predicted, **macro)
    return {
        "accuracy": _figure(lambda: sk.accuracy_score(actual, predicted)),
        "balanced_accuracy": _figure(lambda: sk.balanced_accuracy_score(actual, predicted)),
        "precision_macro": float(precision),
        "recall_macro": float(recall),
        "f1_macro": float(f1),
        "roc_auc": _figure(lambda: _roc_auc(actual, probabilities, classes)),
        "log_loss": _figure(lambda: sk.log_loss(actual, probabilities, labels=classes)),
    }


def _roc_auc(actual: Values, probabilities: Values, classes: Sequence[int]) -> float:
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
