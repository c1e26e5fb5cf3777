"""Rules of sweeping: which stored files nothing refers to, and when they are too many to be true."""

from collections.abc import Collection, Sequence
from datetime import datetime

# A crash leaves a few orphans; a store with another's files has nothing else.
MOST_ORPHANS = 50
# Every number of so many digits is a valid id for the database.
MOST_DIGITS = 18

Stored = Sequence[tuple[str, datetime]]


def orphans_of(
    stored: Stored, needed: Collection[str], live_jobs: Collection[int], oldest: datetime
) -> list[str]:
    """Files that no row names, of no live job, last changed before `oldest`."""
    return [
        key
        for key, changed in stored
        if key not in needed and job_of(key) not in live_jobs and changed < oldest
    ]


def is_suspicious(orphans: int, stored: int, most_share: float) -> bool:
    """Whether so many files without a row point to a wrong database rather than to a crash."""
    return orphans > MOST_ORPHANS and orphans > most_share * stored


def job_of(key: str) -> int | None:
    """The id of the job that a file's name begins with."""
    job_id = key.rpartition("/")[2].partition("-")[0]
    is_id = job_id.isdecimal() and job_id.isascii() and len(job_id) <= MOST_DIGITS
    return int(job_id) if is_id else None
