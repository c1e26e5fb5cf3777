"""Things beside each other where there is room."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

T = TypeVar("T")
ACROSS = 3


def side_by_side(things: Sequence[T]) -> Iterator[tuple[DeltaGenerator, T]]:
    """Each with a column for it; on a phone they follow each other in their order."""
    for start in range(0, len(things), ACROSS):
        columns = st.columns(min(ACROSS, len(things)))
        yield from zip(columns, things[start : start + ACROSS], strict=False)
