"""Result of a prediction of one row, with its confidence."""

from collections.abc import Mapping

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.formatting import escape, number, percent, tokens
from farebox.resources.predictions import PredictionOptions
from farebox.results.models import ModelSchema
from farebox.results.predictions import Interval, Prediction, PredictionWarning

COVERAGE = 0.9
MAX_BARS = 20


def confidence_options(schema: ModelSchema) -> PredictionOptions:
    """Options for an interval, or for a prediction set and probabilities."""
    if schema.task == "classification":
        return {"coverage": COVERAGE, "probabilities": True}
    return {"coverage": COVERAGE}


def show_prediction(schema: ModelSchema, prediction: Prediction) -> None:
    with st.container(border=True):
        st.caption(escape(schema.label))
        st.header(escape(_value(schema, prediction.prediction)), anchor=False)
        _show_confidence(prediction)
        if prediction.probabilities:
            st.altair_chart(_probability_bars(prediction.probabilities), alt="The probability of each class")
        if prediction.charge is not None:
            st.caption(f"Charged {tokens(prediction.charge.tokens)}; balance {prediction.charge.balance:,}.")
    for warning in prediction.warnings:
        st.warning(_warning_text(warning))


def _show_confidence(prediction: Prediction) -> None:
    confidence = f"With {percent(prediction.coverage, 0)} confidence"
    if prediction.interval is not None:
        low, high = number(prediction.interval.low), number(prediction.interval.high)
        st.write(f"{confidence}: between **{low}** and **{high}**.")
        chart = _interval_chart(prediction.interval, float(prediction.prediction))
        st.altair_chart(chart, alt=f"{low} to {high}")
    if prediction.label_set is not None:
        labels = " or ".join(f"**{escape(label)}**" for label in prediction.label_set)
        undecided = " (undecided)" if len(prediction.label_set) > 1 else ""
        st.write(f"{confidence}: {labels or 'none of the known classes'}{undecided}.")


def _value(schema: ModelSchema, value: str | float) -> str:
    """The number, or the class as it is: a year has no separator."""
    return str(value) if isinstance(value, str) or schema.classes else number(value)


def _warning_text(warning: PredictionWarning) -> str:
    """The detail without its prefix of row and feature, which the page shows already."""
    detail = warning.detail.removeprefix(f"Row {warning.row}, '{warning.feature}': ")
    return f"**{escape(warning.feature)}**: {escape(detail)}"


def _probability_bars(probabilities: Mapping[str, float]) -> alt.LayerChart:
    likely = sorted(probabilities.items(), key=lambda item: -item[1])[:MAX_BARS]
    frame = pd.DataFrame(likely, columns=["label", "probability"])
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(frame).encode(
        x=alt.X("probability:Q", title="Probability", scale=scale, axis=alt.Axis(format=".0%")),
        y=alt.Y("label:N", title=None, sort=None),
        tooltip=["label", alt.Tooltip("probability", format=".1%")],
    )
    text = alt.Text("probability:Q", format=".1%")
    # Inside the bar where there is room, as text beyond the chart's edge would be cut.
    is_long = alt.datum.probability > 0.5
    inside = base.transform_filter(is_long).mark_text(align="right", dx=-4, color="white").encode(text=text)
    beside = base.transform_filter(~is_long).mark_text(align="left", dx=4, color="gray").encode(text=text)
    return alt.LayerChart(layer=[base.mark_bar(), inside, beside], height=60 + 26 * len(frame))


def _interval_chart(interval: Interval, value: float) -> alt.LayerChart:
    frame = pd.DataFrame([{"low": interval.low, "high": interval.high, "value": value}])
    x = alt.X("low:Q", title=None, scale=alt.Scale(zero=False))
    rule = alt.Chart(frame).mark_rule(strokeWidth=6, opacity=0.6, color="gray").encode(x=x, x2="high:Q")
    point = alt.Chart(frame).mark_point(size=120, filled=True).encode(x="value:Q")
    return alt.LayerChart(layer=[rule, point], height=60)
