"""A report's curves, drawn."""

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd

from farebox.results.reports import (
    Calibration,
    ConfusionMatrix,
    Importance,
    PrecisionRecall,
    PredictedActual,
    Residuals,
    Roc,
)

Rows = list[dict[str, object]]
SHARE = alt.Scale(domain=[0, 1])
HEIGHT = 320
FEW = 6


def confusion(matrix: ConfusionMatrix) -> alt.LayerChart:
    rows: Rows = [
        {"actual": str(actual), "predicted": str(predicted), "rows": count}
        for actual, counts in zip(matrix.labels, matrix.counts, strict=True)
        for predicted, count in zip(matrix.labels, counts, strict=True)
    ]
    angle = 0 if len(matrix.labels) <= FEW else -45
    most = max((count for counts in matrix.counts for count in counts), default=0)
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("predicted:N", title="Predicted", sort=None, axis=alt.Axis(labelAngle=angle)),
        y=alt.Y("actual:N", title="Actual", sort=None),
    )
    cells = base.mark_rect().encode(color=alt.Color("rows:Q", scale=alt.Scale(scheme="greens"), legend=None))
    dark = alt.condition(f"datum.rows > {most / 2}", alt.value("white"), alt.value("#222"))
    counts = base.mark_text(fontSize=14).encode(text="rows:Q", color=dark)
    return alt.LayerChart(layer=[cells, counts], height=HEIGHT)


def roc(curves: Iterable[Roc]) -> alt.Chart:
    titles = ("False positive rate", "True positive rate")
    return _lines(
        [
            (f"{each.label} ({each.area:.3f})", each.false_positive_rate, each.true_positive_rate)
            for each in curves
        ],
        titles,
    )


def precision_recall(curves: Iterable[PrecisionRecall]) -> alt.Chart:
    named = [(f"{each.label} ({each.average_precision:.3f})", each.recall, each.precision) for each in curves]
    return _lines(named, ("Recall", "Precision"))


def calibration(curves: Iterable[Calibration]) -> alt.Chart:
    named = [(str(each.label), each.predicted, each.observed) for each in curves]
    return _lines(named, ("Predicted probability", "How often it came true"), points=True)


def residuals(found: Residuals) -> alt.Chart:
    frame = pd.DataFrame({"low": found.edges[:-1], "high": found.edges[1:], "rows": found.counts})
    x = alt.X("low:Q", title="Label above its prediction by")
    return (
        alt.Chart(frame, height=HEIGHT).mark_rect().encode(x=x, x2="high:Q", y=alt.Y("rows:Q", title="Rows"))
    )


def predicted_actual(found: PredictedActual) -> alt.LayerChart:
    frame = pd.DataFrame({"actual": found.actual, "predicted": found.predicted})
    ends = [min(found.actual, default=0.0), max(found.actual, default=1.0)]
    scale = alt.Scale(zero=False)
    points = (
        alt.Chart(frame)
        .mark_circle(opacity=0.5)
        .encode(
            x=alt.X("actual:Q", title="Actual", scale=scale),
            y=alt.Y("predicted:Q", title="Predicted", scale=scale),
        )
    )
    right = alt.Chart(pd.DataFrame({"actual": ends, "predicted": ends}))
    line = right.mark_line(strokeDash=[4, 4], color="gray").encode(x="actual:Q", y="predicted:Q")
    return alt.LayerChart(layer=[points, line], height=HEIGHT)


def importance(found: Sequence[Importance]) -> alt.LayerChart:
    rows: Rows = [
        {
            "feature": each.feature,
            "mean": each.mean,
            "low": each.mean - each.spread,
            "high": each.mean + each.spread,
        }
        for each in found
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(y=alt.Y("feature:N", title=None, sort=None))
    bars = base.mark_bar().encode(x=alt.X("mean:Q", title="What the score loses without it"))
    spread = base.mark_rule(color="gray").encode(x="low:Q", x2="high:Q")
    return alt.LayerChart(layer=[bars, spread])


def _lines(
    curves: Iterable[tuple[str, list[float], list[float]]], titles: tuple[str, str], *, points: bool = False
) -> alt.Chart:
    rows: Rows = [
        {"x": x, "y": y, "label": label, "at": at}
        for label, xs, ys in curves
        for at, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]
    return (
        alt.Chart(pd.DataFrame(rows), height=HEIGHT)
        .mark_line(point=points)
        .encode(
            x=alt.X("x:Q", title=titles[0], scale=SHARE),
            y=alt.Y("y:Q", title=titles[1], scale=SHARE),
            color=alt.Color("label:N", title=None, legend=alt.Legend(orient="bottom")),
            order="at:O",
        )
    )
