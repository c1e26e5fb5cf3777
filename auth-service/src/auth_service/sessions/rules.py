"""The verdict on a refresh token. Pure functions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["rotate", "expired", "twin", "reused"]


@dataclass(frozen=True)
class PresentedToken:
    """A refresh token as stored, and the arrival of the request that presents it."""

    used_at: datetime | None
    expires_at: datetime
    arrived_at: datetime


def judge(token: PresentedToken) -> Verdict:
    """Of overlapping requests one rotates and the others are twins; a later request is a reuse.

    A thief and its victim look alike, so reuse ends the session for both.
    """
    if token.used_at is not None:
        return "twin" if token.arrived_at <= token.used_at else "reused"
    return "expired" if token.expires_at <= token.arrived_at else "rotate"
