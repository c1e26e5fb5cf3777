"""All that is known of how good a model is, and why."""

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.datasets.profile import show_findings
from dashboard.models import curves
from dashboard.models.figures import title_of
from dashboard.wording.figures import figure
from dashboard.wording.texts import plain
from farebox.results.reports import Metric, Report


def show_report(report: Report) -> None:
    st.info(plain(report.verdict))
    drawn = _drawn(report)
    if drawn:
        for tab, (title, chart) in zip(st.tabs(list(drawn)), drawn.items(), strict=True):
            tab.altair_chart(chart, alt=title)
    if report.intervals is not None:
        told = report.intervals
        st.caption(
            f"What is to hold the truth in {told.coverage_nominal:.0%} of cases "
            f"did so in {told.coverage_measured:.1%}, by {told.calibration_rows:,} rows."
        )
    show_findings(report.findings)
    with st.expander("All figures"):
        st.dataframe(pd.DataFrame([_row(each) for each in report.metrics]), hide_index=True, placeholder="–")


def _drawn(report: Report) -> dict[str, alt.Chart | alt.LayerChart]:
    """Whichever curves this model has."""
    charts: dict[str, alt.Chart | alt.LayerChart] = {}
    if report.confusion_matrix:
        charts["Confusion"] = curves.confusion(report.confusion_matrix)
    if report.predicted_actual:
        charts["Predicted and actual"] = curves.predicted_actual(report.predicted_actual)
    if report.residuals:
        charts["Residuals"] = curves.residuals(report.residuals)
    if report.importance:
        charts["Importance"] = curves.importance(report.importance)
    if report.roc:
        charts["ROC"] = curves.roc(report.roc)
    if report.precision_recall:
        charts["Precision and recall"] = curves.precision_recall(report.precision_recall)
    if report.calibration:
        charts["Calibration"] = curves.calibration(report.calibration)
    return charts


def _row(metric: Metric) -> dict[str, object]:
    between = f"{figure(metric.low)} to {figure(metric.high)}" if metric.low is not None else None
    better = "higher" if metric.higher_is_better else "lower"
    return {
        "Figure": title_of(metric.name),
        "Model": metric.value,
        "95 % between": between,
        "Baseline": metric.baseline,
        "Better": better,
    }
