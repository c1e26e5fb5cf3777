"""What becomes of a refresh token that is shown. Pure functions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["rotate", "expired", "twin", "reused"]


@dataclass(frozen=True)
class ShownToken:
    """A refresh token as stored, and when the request that showed it arrived."""

    used_at: datetime | None
    expires_at: datetime
    arrived_at: datetime


def judge(token: ShownToken) -> Verdict:
    """Of requests that overlap, one rotates and the others are twins; whoever comes later is a thief.

    A thief and its victim cannot be told apart, so reuse ends the session for both.
    """
    if token.used_at is not None:
        return "twin" if token.arrived_at <= token.used_at else "reused"
    return "expired" if token.expires_at <= token.arrived_at else "rotate"
