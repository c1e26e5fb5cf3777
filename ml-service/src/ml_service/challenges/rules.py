"""Rules of challenges: states by the clock, days of a time zone, and the commitment to hidden rows."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from zoneinfo import ZoneInfo

# The period of the slots of the whole challenge, beside those of days.
WHOLE = "total"


class ChallengeState(StrEnum):
    """`upcoming` is published but not open yet."""

    DRAFT = "draft"
    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Moments:
    """The times of a challenge that its state follows from."""

    opens_at: datetime
    closes_at: datetime
    published_at: datetime | None
    finalised_at: datetime | None


def state_at(moments: Moments, now: datetime) -> ChallengeState:
    if moments.published_at is None:
        return ChallengeState.DRAFT
    if moments.finalised_at is not None:
        return ChallengeState.FINAL
    if now >= moments.closes_at:
        return ChallengeState.CLOSED
    return ChallengeState.OPEN if now >= moments.opens_at else ChallengeState.UPCOMING


def day_of(moment: datetime, time_zone: str) -> str:
    """The date in the group's time zone, which is the period of a daily slot."""
    return moment.astimezone(ZoneInfo(time_zone)).date().isoformat()


def end_of_day(moment: datetime, time_zone: str) -> datetime:
    """The next midnight in the group's time zone, when the slots of a day are free again."""
    zone = ZoneInfo(time_zone)
    tomorrow = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)


def commit_to(salt: bytes, public_sha256: bytes, private_sha256: bytes) -> bytes:
    """The commitment that is shown at the publication: nobody can exchange hidden rows after it unnoticed.

    SHA-256 of the three values as hexadecimal digits, with colons between them.
    """
    return sha256(f"{salt.hex()}:{public_sha256.hex()}:{private_sha256.hex()}".encode()).digest()
