"""Keys under which something that costs is asked for, so that asking twice has one effect."""

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from farebox.errors import Conflict, FareboxError, ResponseLost, ServiceFault, Unreachable

# The second half of a double click comes within this time, and gets the first one's answer.
DOUBLE_CLICK_SECONDS = 2.0
UNANSWERED = (ResponseLost, Unreachable, ServiceFault, Conflict)


@dataclass(slots=True)
class Errand:
    digest: str
    key: str
    answered_at: float | None = None

    def is_over(self) -> bool:
        return self.answered_at is not None and time.monotonic() - self.answered_at > DOUBLE_CLICK_SECONDS


@contextmanager
def once(errand: str, order: object) -> Generator[str]:
    """The key for this order: the same one until it was answered, also when Streamlit runs anew meanwhile."""
    digest = hashlib.sha256(json.dumps(order, sort_keys=True, default=str).encode()).hexdigest()
    slot = f"errand-{errand}"
    kept: Errand | None = st.session_state.get(slot)
    if kept is None or kept.digest != digest or kept.is_over():
        kept = st.session_state[slot] = Errand(digest, uuid4().hex)
    try:
        yield kept.key
    except FareboxError as error:
        if not isinstance(error, UNANSWERED):
            del st.session_state[slot]
        raise
    kept.answered_at = time.monotonic()
