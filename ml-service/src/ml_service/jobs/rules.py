"""What a job may do next, decided from plain values."""

from enum import StrEnum


class JobKind(StrEnum):
    """What a job does, and the action it is charged as."""

    TRAIN = "train"
    BATCH = "batch"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


def has_ended(state: JobState) -> bool:
    return state not in LIVE


def may_cancel(state: JobState, has_result: bool) -> bool:
    """A result that is already stored is being paid for and cannot be cancelled any more."""
    return state in LIVE and not has_result
