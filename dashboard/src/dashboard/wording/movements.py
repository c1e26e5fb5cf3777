"""Movements of tokens as a table."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from dashboard.wording.figures import local, words
from farebox.results.wallet import Movement

COLUMNS = ["When", "What", "Tokens", "Balance", "For", "Note"]


def show_movements(movements: Iterable[Movement]) -> None:
    rows = [
        (
            local(each.created_at),
            words(each.action or each.kind),
            each.amount,
            each.balance,
            each.resource,
            each.note,
        )
        for each in movements
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    # A column without a single word in it only takes space.
    st.dataframe(
        frame.dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="",
        column_config={"Tokens": st.column_config.NumberColumn(format="%+d")},
    )
