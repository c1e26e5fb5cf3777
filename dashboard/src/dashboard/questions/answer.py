"""What a model said, shown."""

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.wording.figures import figure, tokens
from dashboard.wording.texts import plain
from farebox.results.models import ModelSchema
from farebox.results.predictions import Interval, Prediction

MOST_BARS = 20


def show_answer(schema: ModelSchema, prediction: Prediction) -> None:
    with st.container(border=True):
        st.caption(plain(schema.label))
        st.header(plain(_shown(prediction.prediction)), anchor=False)
        _show_limits(prediction)
        if prediction.probabilities:
            st.altair_chart(_bars(prediction.probabilities), alt="The probability of each class")
        if prediction.charge is not None:
            st.caption(f"{tokens(prediction.charge.tokens)}; {prediction.charge.balance:,} left")
    for warning in prediction.warnings:
        st.warning(f"**{plain(warning.feature)}**: {plain(warning.detail)}")


def _show_limits(prediction: Prediction) -> None:
    often = f"in {prediction.coverage or 0:.0%} of cases"
    if prediction.interval is not None:
        low, high = figure(prediction.interval.low), figure(prediction.interval.high)
        st.write(f"Between **{low}** and **{high}** {often}.")
        st.altair_chart(_span(prediction.interval, float(prediction.prediction)), alt=f"{low} to {high}")
    if prediction.label_set is not None:
        labels = [f"**{plain(each)}**" for each in prediction.label_set]
        one_of = "one of " if len(labels) > 1 else ""
        st.write(f"It is {one_of}{', '.join(labels) or 'none of the known labels'} {often}.")


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else figure(value)


def _bars(probabilities: dict[str, float]) -> alt.Chart:
    likely = sorted(probabilities.items(), key=lambda each: -each[1])[:MOST_BARS]
    frame = pd.DataFrame(likely, columns=["label", "probability"])
    x = alt.X("probability:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    tooltip = ["label", alt.Tooltip("probability", format=".1%")]
    y = alt.Y("label:N", title=None, sort=None)
    return alt.Chart(frame, height=40 + 26 * len(frame)).mark_bar().encode(x=x, y=y, tooltip=tooltip)


def _span(interval: Interval, value: float) -> alt.LayerChart:
    frame = pd.DataFrame([{"low": interval.low, "high": interval.high, "value": value}])
    x = alt.X("low:Q", title=None, scale=alt.Scale(zero=False))
    rule = alt.Chart(frame).mark_rule(strokeWidth=6, opacity=0.6, color="gray").encode(x=x, x2="high:Q")
    point = alt.Chart(frame).mark_point(size=120, filled=True).encode(x="value:Q")
    return alt.LayerChart(layer=[rule, point], height=60)
