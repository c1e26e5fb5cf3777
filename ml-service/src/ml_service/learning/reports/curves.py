"""The curves and counts of a report."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.reports.evidence import Evidence, Json

MOST_CLASSES = 10
MOST_POINTS = 101
MOST_DOTS = 500
MOST_BARS = 30
BINS = 10

Flags = npt.NDArray[np.bool_]


def confusion_matrix(evidence: Evidence) -> Json | None:
    if not evidence.classes:
        return None
    size = len(evidence.known)
    counts = np.bincount(evidence.codes * size + evidence.scores.argmax(axis=1), minlength=size * size)
    return {"labels": evidence.known, "counts": counts.reshape(size, size).tolist()}


def curves(evidence: Evidence) -> Mapping[str, list[Json] | None]:
    """One of each kind for each class, or for the second of two; where there are many, for the commonest."""
    if not evidence.classes:
        return dict.fromkeys(KINDS)
    chosen = _choose_classes(evidence)
    return {
        name: [
            {"label": evidence.classes[place], **draw(evidence.codes == place, evidence.scores[:, place])}
            for place in chosen
        ]
        for name, draw in KINDS.items()
    }


def residuals(evidence: Evidence) -> Json | None:
    """How many predictions are how far below (positive) or above the label."""
    if evidence.classes:
        return None
    bars = int(np.clip(np.sqrt(len(evidence.labels)), BINS, MOST_BARS))
    errors = evidence.labels - evidence.scores
    # Of a perfect fit only rounding is left, too narrow to be cut into bars.
    rounding = np.finfo(float).eps * bars * max(1.0, np.abs(evidence.labels).max(), np.abs(errors).max())
    low, high = errors.min(), errors.max()
    span = (low, high) if high - low > rounding else (low - rounding, high + rounding)
    counts, edges = np.histogram(errors, bars, span)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def predicted_actual(evidence: Evidence) -> Json | None:
    if evidence.classes:
        return None
    return {
        "actual": evidence.labels[:MOST_DOTS].tolist(),
        "predicted": evidence.scores[:MOST_DOTS].tolist(),
    }


def _choose_classes(evidence: Evidence) -> list[int]:
    """Those that some test rows belong to and some do not, without which there is no curve."""
    rows, counts = len(evidence.codes), np.bincount(evidence.codes, minlength=len(evidence.classes))
    places = range(len(evidence.classes)) if len(evidence.classes) > 2 else [1]
    drawable = [place for place in places if 0 < counts[place] < rows]
    return sorted(sorted(drawable, key=lambda place: -counts[place])[:MOST_CLASSES])


def _roc(belongs: Flags, scores: Matrix) -> Json:
    false_positive, true_positive, _ = sk.roc_curve(belongs, scores)
    area = float(sk.roc_auc_score(belongs, scores))
    return {
        "false_positive_rate": _thinned(false_positive),
        "true_positive_rate": _thinned(true_positive),
        "area": area,
    }


def _precision_recall(belongs: Flags, scores: Matrix) -> Json:
    precision, recall, _ = sk.precision_recall_curve(belongs, scores)
    average = float(sk.average_precision_score(belongs, scores))
    return {
        "precision": _thinned(precision[::-1]),
        "recall": _thinned(recall[::-1]),
        "average_precision": average,
    }


def _calibration(belongs: Flags, scores: Matrix) -> Json:
    """In ten bins of equal width: what was predicted on average, and how often it came true."""
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    used = counts > 0
    return {
        "predicted": (np.bincount(bins, scores, BINS)[used] / counts[used]).tolist(),
        "observed": (np.bincount(bins, belongs, BINS)[used] / counts[used]).tolist(),
        "counts": counts[used].tolist(),
    }


def _thinned(points: Matrix) -> list[float]:
    chosen = np.unique(np.linspace(0, len(points) - 1, MOST_POINTS).astype(np.int64))
    return points[chosen].tolist()


KINDS: Mapping[str, Callable[[Flags, Matrix], Json]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
}
