"""How the types did that were compared."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from dashboard.wording.figures import words
from farebox.results.models import Candidate


def show_leaderboard(candidates: Iterable[Candidate]) -> None:
    rows = [_row(each) for each in candidates]
    st.subheader("Leaderboard", anchor=False)
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="")


def _row(candidate: Candidate) -> dict[str, object]:
    return {
        "": "★" if candidate.chosen else "",
        "Type": words(candidate.type),
        "Score": candidate.score,
        "Spread": candidate.spread,
        "Measured by": words(candidate.metric or ""),
        "Fit (s)": candidate.fit_seconds,
        "Predict (s)": candidate.predict_seconds,
        "State": words(candidate.state),
    }
