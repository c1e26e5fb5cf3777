"""Curves, confusion matrix and residuals of an evaluation."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evaluation import Codes, Evaluation
from ml_service.learning.reports.share_intervals import wilson_limits
from ml_service.learning.tables import Json

MOST_CLASSES = 10
MOST_POINTS = 101
MOST_DOTS = 500
MOST_BARS = 30
BINS = 10
FEWEST_IN_BIN = 10

Flags = npt.NDArray[np.bool_]


def confusion_matrix(evaluation: Evaluation) -> Json | None:
    if not evaluation.classes:
        return None
    size = len(evaluation.all_classes)
    counts = np.bincount(evaluation.codes * size + evaluation.scores.argmax(axis=1), minlength=size * size)
    return {"labels": evaluation.all_classes, "counts": counts.reshape(size, size).tolist()}


def curves(evaluation: Evaluation) -> Mapping[str, list[Json] | None]:
    """Curves of each kind: for all classes, for the second of two, or for the most common of many."""
    if not evaluation.classes:
        return dict.fromkeys(KINDS)
    chosen = _choose_classes(evaluation)
    return {
        name: [
            {
                "label": evaluation.classes[code],
                **draw(evaluation.codes == code, evaluation.scores[:, code]),
            }
            for code in chosen
        ]
        for name, draw in KINDS.items()
    }


def residuals(evaluation: Evaluation) -> Json | None:
    """Histogram of label minus prediction."""
    if evaluation.classes:
        return None
    bars = int(np.clip(np.sqrt(len(evaluation.labels)), BINS, MOST_BARS))
    errors = evaluation.labels - evaluation.scores
    # The range of a perfect fit's rounding errors is too narrow to be divided into bars.
    rounding = np.finfo(float).eps * bars * max(1.0, np.abs(evaluation.labels).max(), np.abs(errors).max())
    low, high = errors.min(), errors.max()
    span = (low, high) if high - low > rounding else (low - rounding, high + rounding)
    counts, edges = np.histogram(errors, bars, span)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def predicted_actual(evaluation: Evaluation) -> Json | None:
    if evaluation.classes:
        return None
    return {
        "actual": evaluation.labels[:MOST_DOTS].tolist(),
        "predicted": evaluation.scores[:MOST_DOTS].tolist(),
    }


def _choose_classes(evaluation: Evaluation) -> list[int]:
    """Classes with test rows inside and outside them; others have no curve."""
    rows, counts = len(evaluation.codes), np.bincount(evaluation.codes, minlength=len(evaluation.classes))
    codes = range(len(evaluation.classes)) if len(evaluation.classes) > 2 else [1]
    drawable = [code for code in codes if 0 < counts[code] < rows]
    return sorted(sorted(drawable, key=lambda code: -counts[code])[:MOST_CLASSES])


def _roc(belongs: Flags, scores: Matrix) -> Json:
    from sklearn import metrics as sk

    false_positive, true_positive, _ = sk.roc_curve(belongs, scores)
    area = float(sk.roc_auc_score(belongs, scores))
    return {
        "false_positive_rate": _thin(false_positive),
        "true_positive_rate": _thin(true_positive),
        "area": area,
    }


def _precision_recall(belongs: Flags, scores: Matrix) -> Json:
    from sklearn import metrics as sk

    precision, recall, _ = sk.precision_recall_curve(belongs, scores)
    average = float(sk.average_precision_score(belongs, scores))
    return {
        "precision": _thin(precision[::-1]),
        "recall": _thin(recall[::-1]),
        "average_precision": average,
    }


def _calibration(belongs: Flags, scores: Matrix) -> Json:
    """Mean predicted probability and observed frequency, with Wilson's interval, in bins of similar size."""
    bins = _bins(scores)
    counts = np.bincount(bins)
    hits = np.bincount(bins, belongs).astype(np.int64)
    limits = [wilson_limits(int(hit), int(count)) for hit, count in zip(hits, counts, strict=True)]
    return {
        "predicted": (np.bincount(bins, scores) / counts).tolist(),
        "observed": (hits / counts).tolist(),
        "counts": counts.tolist(),
        "low": [low for low, _ in limits],
        "high": [high for _, high in limits],
    }


def _bins(scores: Matrix) -> Codes:
    """The bin of each score, ascending: a tenth of the rows, but no fewer than FEWEST_IN_BIN.

    Bins of equal width would hold one or two rows where scores are rare. Equal scores share a bin.
    """
    _, positions, counts = np.unique(scores, return_inverse=True, return_counts=True)
    needed = max(FEWEST_IN_BIN, math.ceil(len(scores) / BINS))
    bin_of_score, current, rows, left = [], 0, 0, len(scores)
    for count in counts.tolist():
        # The last bin takes the rest, unless that is enough for a bin of its own.
        if rows >= needed and left >= needed:
            current, rows = current + 1, 0
        bin_of_score.append(current)
        rows, left = rows + count, left - count
    return np.array(bin_of_score, np.int64)[positions]


def _thin(points: Matrix) -> list[float]:
    chosen = np.unique(np.linspace(0, len(points) - 1, MOST_POINTS).astype(np.int64))
    return points[chosen].tolist()


KINDS: Mapping[str, Callable[[Flags, Matrix], Json]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
}
