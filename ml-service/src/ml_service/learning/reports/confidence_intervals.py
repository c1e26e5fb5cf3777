"""95% confidence intervals of metrics: of shares by `share_intervals`, else by the bootstrap (Efron, 1979).

The bootstrap over test rows serves macro F1, ROC AUC, log loss and the metrics of regression. Where all
resamples agree, as without a single error, its interval has no width: F1 and ROC AUC then have the interval
of a share, and the others none, because errors without a bound on their size have no interval (Bahadur and
Savage, 1956).

Metrics are computed for all resamples at once, as sums over weighted rows; `scipy.stats.bootstrap` would call
scikit-learn for each metric and resample. If only a part of the test rows is resampled, intervals are
narrowed to the width for all of them (Bickel, Goetze and van Zwet, "Resampling Fewer Than n Observations",
1997).
"""

import math
import warnings
from collections.abc import Mapping

import numpy as np

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evaluation import Codes, Evaluation
from ml_service.learning.reports.share_intervals import share_intervals

REPEATS = 200
MOST_ROWS = 2_000
MOST_CURVES = 20
BOUNDS = (2.5, 97.5)
TINY = float(np.finfo(np.float64).eps)
# Errors of a perfect fit, relative to the largest label; and resamples that agree.
ROUNDING = 1e-12

Interval = tuple[float | None, float | None]
UNKNOWN: Interval = (None, None)


def confidence_intervals(evaluation: Evaluation) -> dict[str, Interval]:
    """The interval of each defined metric; its ends are None if they cannot be estimated."""
    rows = min(len(evaluation.labels), MOST_ROWS)
    drawn = np.random.default_rng(0).integers(rows, size=(REPEATS, rows))
    counts = [np.bincount(resample, minlength=rows) for resample in drawn]
    weights = np.stack([np.ones(rows), *counts]).astype(np.float64)
    narrowing = math.sqrt(rows / evaluation.test_rows)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        figures = _compute(evaluation, weights)
        resampled = {
            name: _interval(value, figures[name], narrowing)
            for name, value in evaluation.metrics.items()
            if value is not None and name in figures
        }
    shares = share_intervals(evaluation)
    return {**resampled, **{name: shares[name] for name in shares if resampled.get(name, UNKNOWN) == UNKNOWN}}


def _interval(value: float, figures: Matrix, narrowing: float) -> Interval:
    """The first of `figures` belongs to the original rows, the others to resamples."""
    if np.nanmax(figures) - np.nanmin(figures) <= ROUNDING * np.nanmax(np.abs(figures)):
        return UNKNOWN
    deviation = narrowing * (np.nanpercentile(figures[1:], BOUNDS) - figures[0])
    low, high = value + float(deviation[0]), value + float(deviation[1])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else UNKNOWN


def _compute(evaluation: Evaluation, weights: Matrix) -> Mapping[str, Matrix]:
    rows = weights.shape[1]
    if not evaluation.classes:
        return resampled_errors(evaluation.labels[:rows], evaluation.scores[:rows], weights)
    scores, codes = evaluation.scores[:rows], evaluation.codes[:rows]
    figures = {"f1_macro": resampled_f1(codes, scores.argmax(axis=1), len(evaluation.all_classes), weights)}
    own = np.pad(scores, ((0, 0), (0, len(evaluation.all_classes) - scores.shape[1])))[np.arange(rows), codes]
    figures["log_loss"] = weights @ -np.log(own.clip(TINY, 1 - TINY)) / rows
    if len(evaluation.classes) <= MOST_CURVES:
        figures["roc_auc"] = resampled_roc_auc(codes, scores, weights)
    if np.issubdtype(evaluation.labels.dtype, np.number):
        figures |= resampled_errors(
            evaluation.labels[:rows].astype(float), evaluation.predictions[:rows].astype(float), weights
        )
    return figures


def resampled_errors(actual: Matrix, predicted: Matrix, weights: Matrix) -> dict[str, Matrix]:
    rows, errors = weights.shape[1], actual - predicted
    errors[np.abs(errors) <= ROUNDING * np.abs(actual).max()] = 0
    centred = actual - actual.mean()
    squares = weights @ errors**2
    spread = weights @ centred**2 - (weights @ centred) ** 2 / rows
    return {
        "r2_score": 1 - squares / spread,
        "mean_squared_error": squares / rows,
        "mean_absolute_error": weights @ np.abs(errors) / rows,
        "root_mean_squared_error": np.sqrt(squares / rows),
    }


def resampled_f1(actual: Codes, predicted: Codes, classes: int, weights: Matrix) -> Matrix:
    """The mean over the classes that occur, in each resample."""
    pairs = actual * classes + predicted
    counts = [np.bincount(pairs, resample, classes * classes) for resample in weights]
    confusion = np.stack(counts).reshape(-1, classes, classes)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    rows = confusion.sum(axis=2) + confusion.sum(axis=1)
    return np.nan_to_num(2 * hits / rows).sum(axis=1) / (rows > 0).sum(axis=1)


def resampled_roc_auc(codes: Codes, scores: Matrix, weights: Matrix) -> Matrix:
    classes = range(scores.shape[1]) if scores.shape[1] > 2 else [1]
    return np.mean([_area(codes == code, scores[:, code], weights) for code in classes], axis=0)


def _area(belongs: Codes, scores: Matrix, weights: Matrix) -> Matrix:
    """The probability that a row of the class has a higher score than another row; ties count half."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    inside = np.add.reduceat(weights[:, order] * belongs[order], starts, axis=1)
    outside = np.add.reduceat(weights[:, order] * ~belongs[order], starts, axis=1)
    below = np.cumsum(outside, axis=1) - outside / 2
    return (inside * below).sum(axis=1) / (inside.sum(axis=1) * outside.sum(axis=1))
