"""Idempotency keys for requests that cost tokens, so that a repeated click has one effect."""

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from farebox.errors import Conflict, FareboxError, ServiceFault

# The second click of a double click arrives within this time and receives the first one's answer.
DOUBLE_CLICK_SECONDS = 2.0


@dataclass(slots=True)
class PendingRequest:
    digest: str
    key: str
    answered_at: float | None = None

    def is_complete(self) -> bool:
        return self.answered_at is not None and time.monotonic() - self.answered_at > DOUBLE_CLICK_SECONDS


@contextmanager
def idempotency_key(action: str, request: object) -> Generator[str]:
    """The key of this request: the same until a response arrives, also across reruns of the script."""
    digest = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
    slot = f"request-{action}"
    pending: PendingRequest | None = st.session_state.get(slot)
    if pending is None or pending.digest != digest or pending.is_complete():
        pending = st.session_state[slot] = PendingRequest(digest, uuid4().hex)
    try:
        yield pending.key
    except FareboxError as error:
        if not _may_have_had_effect(error):
            del st.session_state[slot]
        raise
    pending.answered_at = time.monotonic()


def _may_have_had_effect(error: FareboxError) -> bool:
    """Without a status there was no response, so only a retry with the same key is safe."""
    return error.status is None or isinstance(error, ServiceFault | Conflict)
