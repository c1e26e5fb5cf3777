"""What something costs, told before it is asked for."""

from datetime import timedelta

import streamlit as st

from dashboard.wording.figures import today
from farebox import Farebox
from farebox.results.models import ModelType
from farebox.results.wallet import Quote

QUOTE = "training_quote"
MARGIN = timedelta(seconds=30)


def training_quote(client: Farebox) -> Quote:
    """A price that will be honoured; the same one for as long as it holds."""
    quote: Quote | None = st.session_state.get(QUOTE)
    if quote is None or quote.expires_at - MARGIN < today():
        quote = st.session_state[QUOTE] = client.prices.quote("train")
    return quote


def forget_quote() -> None:
    st.session_state.pop(QUOTE, None)


def most_trainings(kind: ModelType) -> int:
    """How many trainings are paid for at most: one, or one for each type that is compared."""
    return max(kind.candidates.values()) if kind.candidates else 1


def price_of(client: Farebox, action: str, units: int = 1) -> int:
    return next(each.cost_of(units) for each in client.prices.list() if each.action == action)
