"""Report on a model: verdict, charts, findings and all metrics."""

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.formatting import escape, percent
from dashboard.layout import show_findings, show_table
from dashboard.widgets.model_summary import metric_title, metric_value
from farebox.results.reports import (
    Calibration,
    ConfusionMatrix,
    Coverage,
    Importance,
    Metric,
    PrecisionRecall,
    PredictedActual,
    Report,
    Residuals,
    Roc,
)

Rows = list[dict[str, object]]
Chart = alt.Chart | alt.LayerChart
Curve = tuple[str, list[float], list[float]]
UNIT_SCALE = alt.Scale(domain=[0, 1])
HEIGHT = 320
MAX_LEVEL_LABELS = 6


def show_report(report: Report) -> None:
    st.info(escape(report.verdict))
    charts = _charts(report)
    if charts:
        for tab, (title, chart) in zip(st.tabs(list(charts)), charts.items(), strict=True):
            tab.altair_chart(chart, alt=title)
    if report.intervals is not None:
        st.caption(_coverage(report.intervals, report.task))
    show_findings(report.findings)
    with st.expander("All metrics"):
        rows = [_metric_row(metric) for metric in report.metrics]
        show_table(rows, ["Metric", "Model", "95% CI", "Baseline", "Better"])


def _charts(report: Report) -> dict[str, Chart]:
    """The charts of this model by title."""
    charts: dict[str, Chart] = {}
    if report.confusion_matrix:
        charts["Confusion matrix"] = _confusion_matrix(report.confusion_matrix)
    if report.predicted_actual:
        charts["Predicted and actual"] = _predicted_actual(report.predicted_actual)
    if report.residuals:
        charts["Residuals"] = _residuals(report.residuals)
    if report.importance:
        charts["Feature importance"] = _importance(report.importance, report.task)
    if report.roc:
        charts["ROC"] = _roc(report.roc)
    if report.precision_recall:
        charts["Precision and recall"] = _precision_recall(report.precision_recall)
    if report.calibration:
        charts["Calibration"] = _calibration(report.calibration)
    return charts


def _coverage(coverage: Coverage, task: str) -> str:
    sets = "Prediction sets" if task == "classification" else "Prediction intervals"
    truth = "true class" if task == "classification" else "true value"
    return (
        f"{sets} meant to contain the {truth} {percent(coverage.coverage_nominal, 0)} of the time "
        f"did so for {percent(coverage.coverage_measured)} of {coverage.calibration_rows:,} test rows."
    )


def _metric_row(metric: Metric) -> Sequence[object]:
    name = metric.name
    interval = f"{metric_value(name, metric.low)} to {metric_value(name, metric.high)}"
    return (
        metric_title(name),
        metric_value(name, metric.value),
        None if metric.low is None else interval,
        metric_value(name, metric.baseline),
        "higher" if metric.higher_is_better else "lower",
    )


def _confusion_matrix(matrix: ConfusionMatrix) -> alt.LayerChart:
    rows: Rows = [
        {"actual": str(actual), "predicted": str(predicted), "rows": count}
        for actual, counts in zip(matrix.labels, matrix.counts, strict=True)
        for predicted, count in zip(matrix.labels, counts, strict=True)
    ]
    angle = 0 if len(matrix.labels) <= MAX_LEVEL_LABELS else -45
    most = max((count for counts in matrix.counts for count in counts), default=0)
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("predicted:N", title="Predicted", sort=None, axis=alt.Axis(labelAngle=angle)),
        y=alt.Y("actual:N", title="Actual", sort=None),
    )
    cells = base.mark_rect().encode(color=alt.Color("rows:Q", scale=alt.Scale(scheme="greens"), legend=None))
    on_dark = alt.condition(f"datum.rows > {most / 2}", alt.value("white"), alt.value("#222"))
    counts = base.mark_text(fontSize=14).encode(text=alt.Text("rows:Q", format=",d"), color=on_dark)
    return alt.LayerChart(layer=[cells, counts], height=HEIGHT)


def _roc(curves: Iterable[Roc]) -> alt.Chart:
    lines = [
        (f"{curve.label} (AUC {curve.area:.3f})", curve.false_positive_rate, curve.true_positive_rate)
        for curve in curves
    ]
    return _lines(lines, ("False positive rate", "True positive rate"))


def _precision_recall(curves: Iterable[PrecisionRecall]) -> alt.Chart:
    lines = [
        (f"{curve.label} (AP {curve.average_precision:.3f})", curve.recall, curve.precision)
        for curve in curves
    ]
    return _lines(lines, ("Recall", "Precision"))


def _calibration(curves: Iterable[Calibration]) -> alt.LayerChart:
    """Each bin is a point as large as its number of test rows."""
    rows: Rows = [
        {"predicted": predicted, "observed": observed, "rows": count, "label": str(curve.label)}
        for curve in curves
        for predicted, observed, count in zip(curve.predicted, curve.observed, curve.counts, strict=True)
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("predicted:Q", title="Predicted probability", scale=UNIT_SCALE),
        y=alt.Y("observed:Q", title="Observed frequency", scale=UNIT_SCALE),
        color=alt.Color("label:N", title=None, legend=alt.Legend(orient="bottom")),
    )
    points = base.mark_circle(opacity=1).encode(size=alt.Size("rows:Q", title="Test rows"))
    ends = alt.Chart(pd.DataFrame({"predicted": [0, 1], "observed": [0, 1]}))
    equal = ends.mark_line(strokeDash=[4, 4], color="gray").encode(x="predicted:Q", y="observed:Q")
    return alt.LayerChart(layer=[equal, base.mark_line(opacity=0.4), points], height=HEIGHT)


def _residuals(residuals: Residuals) -> alt.Chart:
    edges = residuals.edges
    frame = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": residuals.counts})
    x = alt.X("low:Q", title="Actual minus predicted")
    return (
        alt.Chart(frame, height=HEIGHT).mark_rect().encode(x=x, x2="high:Q", y=alt.Y("rows:Q", title="Rows"))
    )


def _predicted_actual(values: PredictedActual) -> alt.LayerChart:
    frame = pd.DataFrame({"actual": values.actual, "predicted": values.predicted})
    ends = [min(values.actual, default=0.0), max(values.actual, default=1.0)]
    scale = alt.Scale(zero=False)
    points = (
        alt.Chart(frame)
        .mark_circle(opacity=0.5)
        .encode(
            x=alt.X("actual:Q", title="Actual", scale=scale),
            y=alt.Y("predicted:Q", title="Predicted", scale=scale),
        )
    )
    diagonal = alt.Chart(pd.DataFrame({"actual": ends, "predicted": ends}))
    line = diagonal.mark_line(strokeDash=[4, 4], color="gray").encode(x="actual:Q", y="predicted:Q")
    return alt.LayerChart(layer=[points, line], height=HEIGHT)


def _importance(importance: Sequence[Importance], task: str) -> alt.LayerChart:
    rows: Rows = [
        {
            "feature": row.feature,
            "mean": row.mean,
            "low": row.mean - row.spread,
            "high": row.mean + row.spread,
        }
        for row in importance
    ]
    metric = "accuracy" if task == "classification" else "R²"
    base = alt.Chart(pd.DataFrame(rows)).encode(y=alt.Y("feature:N", title=None, sort=None))
    bars = base.mark_bar().encode(x=alt.X("mean:Q", title=f"Drop in {metric} when shuffled"))
    spread = base.mark_rule(color="gray").encode(x="low:Q", x2="high:Q")
    return alt.LayerChart(layer=[bars, spread])


def _lines(curves: Iterable[Curve], titles: tuple[str, str]) -> alt.Chart:
    rows: Rows = [
        {"x": x, "y": y, "label": label, "position": position}
        for label, xs, ys in curves
        for position, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]
    return (
        alt.Chart(pd.DataFrame(rows), height=HEIGHT)
        .mark_line()
        .encode(
            x=alt.X("x:Q", title=titles[0], scale=UNIT_SCALE),
            y=alt.Y("y:Q", title=titles[1], scale=UNIT_SCALE),
            color=alt.Color("label:N", title=None, legend=alt.Legend(orient="bottom")),
            order="position:O",
        )
    )
