"""Links from page to page."""

from collections.abc import Mapping

import streamlit as st

PLACES = "places"


def remember(places: Mapping[str, st.Page]) -> None:
    st.session_state[PLACES] = places


def link(place: str, label: str) -> None:
    st.page_link(st.session_state[PLACES][place], label=label, icon=":material/arrow_forward:")
