"""Rules of jobs: their states, their cancellation, and retries after failed attempts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

MAX_ATTEMPTS = 5
MAX_WORKER_DEATHS = 3
MAX_PAUSE_SECONDS = 30.0
STAGE_PERCENT = {"reading": 5, "preparing": 25, "fitting": 35, "scoring": 85, "saving": 95}


class JobKind(StrEnum):
    """Kind of work; also the action that billing charges for it."""

    TRAIN = "train"
    BATCH = "batch"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Duration(StrEnum):
    """Expected duration of a job, which decides about the workers that it may run on."""

    SHORT = "short"
    LONG = "long"
    UNKNOWN = "unknown"


# The kind of the events that show the scores of a comparison.
CANDIDATE = "candidate"
LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})
# Names of the kinds in sentences and error codes.
NOUNS: Mapping[str, str] = {JobKind.TRAIN: "training", JobKind.BATCH: "batch"}

FailureKind = Literal["refused", "crashed", "worker_died", "time_limit"]


def has_ended(state: str) -> bool:
    return state not in LIVE


def may_cancel(state: str, has_result: bool) -> bool:
    """A job with a stored result is about to be charged and cannot be cancelled."""
    return state in LIVE and not has_result


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt; `code`, `detail` and `members` are those of a refused input."""

    kind: FailureKind
    code: str = ""
    detail: str = ""
    members: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    after_seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    code: str
    detail: str
    members: Mapping[str, object] = field(default_factory=dict)


def decide(failure: Failure, kind: str, attempts: int, time_limit: float) -> Retry | GiveUp:
    """Retry after an outage; give up at once after a failure that would repeat."""
    noun = NOUNS[kind]
    match failure.kind:
        case "refused":
            return GiveUp(failure.code, failure.detail, failure.members)
        case "crashed":
            return GiveUp(
                f"{noun}_crashed",
                f"The {noun} failed because of an error on our side. Try again, and report its id if it "
                "fails again.",
            )
        case "worker_died":
            # Memory is not the only cause: a restart or a smaller cluster also stops workers.
            return _out_of_memory(noun) if attempts >= MAX_WORKER_DEATHS else retry_or_give_up(kind, attempts)
        case "time_limit":
            return GiveUp(
                "time_limit",
                f"The {noun} took longer than {time_limit:g} seconds; use fewer rows or a smaller model.",
            )


def retry_or_give_up(kind: str, attempts: int) -> Retry | GiveUp:
    """The decision after this number of interrupted attempts."""
    if attempts >= MAX_ATTEMPTS:
        return GiveUp(
            f"{NOUNS[kind]}_interrupted",
            f"The {NOUNS[kind]} was interrupted {attempts} times. Try again later.",
        )
    return Retry(min(2.0 ** (attempts - 1), MAX_PAUSE_SECONDS))


def _out_of_memory(noun: str) -> GiveUp:
    return GiveUp(
        "out_of_memory",
        f"The {noun} needed more memory than a worker has; use fewer rows or columns, or a smaller model.",
    )
