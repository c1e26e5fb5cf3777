"""Deadlines of requests: how long the caller waits, sent from service to service with the request.

The header holds a duration, not a time of day, so that skewed clocks do not matter. The time that a request
spent in the socket of a paused process is not seen: a caller that gives up must also undo its request.
"""

import time
from contextvars import ContextVar

from kit.errors import DeadlinePassed

# Whole milliseconds from the arrival of the request to the last moment at which its answer is of use.
HEADER = "X-Request-Timeout-Ms"
ENCODED_HEADER = HEADER.lower().encode()
MOST_DIGITS = 9

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def start_deadline(sent: bytes | None) -> None:
    """Start the deadline of the request in this context; a missing or invalid header sets none."""
    if sent is None or not sent.isdigit() or len(sent) > MOST_DIGITS:
        _deadline.set(None)
    else:
        _deadline.set(time.monotonic() + int(sent) / 1000)


def remaining_seconds() -> float | None:
    """The time left for the request being served, at least 0; None if it has no deadline."""
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def require_time_left() -> None:
    """Raises DeadlinePassed when nobody waits for the answer any more."""
    if remaining_seconds() == 0.0:
        raise DeadlinePassed
