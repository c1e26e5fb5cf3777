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
    """Kind of work; also the action that billing charges for it, unless the job is free."""

    TRAIN = "train"
    BATCH = "batch"
    SPLIT = "split"
    SCORE = "score"


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
NOUNS: Mapping[str, str] = {
    JobKind.TRAIN: "training",
    JobKind.BATCH: "batch",
    JobKind.SPLIT: "publication",
    JobKind.SCORE: "scoring",
}
SMALLER = "use fewer rows or columns, or a smaller model"

FailureKind = Literal["refused", "crashed", "out_of_memory", "worker_died", "time_limit"]


def context_of(challenge_id: int) -> str:
    """The label of work on a challenge, by which limits and receipts know it."""
    return f"challenge:{challenge_id}"


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
    """Another attempt, with its number and that of the last one that may follow."""

    after_seconds: float
    attempt: int
    of: int
    reason: str

    @property
    def stage(self) -> str:
        """The stage of the job until the attempt begins."""
        return f"retrying, {self.attempt} of {self.of}: {self.reason}"

    def to_json(self) -> dict[str, object]:
        return {"stage": self.stage, "attempt": self.attempt, "of": self.of, "reason": self.reason}


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
        case "out_of_memory":
            return GiveUp("out_of_memory", f"The {noun} needed more memory than a worker has; {SMALLER}.")
        case "worker_died":
            # A restart or a smaller cluster also stops workers, and so does a system without memory.
            if attempts < MAX_WORKER_DEATHS:
                return retry(attempts, "the worker was lost", MAX_WORKER_DEATHS)
            return GiveUp(
                "out_of_memory",
                f"The {noun} lost its worker in attempt {attempts} of {MAX_WORKER_DEATHS}, most likely "
                f"because it needs more memory than a worker has; {SMALLER}.",
            )
        case "time_limit":
            return GiveUp(
                "time_limit",
                f"The {noun} took longer than {time_limit:g} seconds; use fewer rows or a smaller model.",
            )


def retry_or_give_up(kind: str, attempts: int, reason: str) -> Retry | GiveUp:
    """The decision after this number of interrupted attempts."""
    return exhausted(kind, attempts) or retry(attempts, reason)


def exhausted(kind: str, attempts: int) -> GiveUp | None:
    """The failure of a job after its last attempt was interrupted; None before."""
    if attempts < MAX_ATTEMPTS:
        return None
    return GiveUp(
        f"{NOUNS[kind]}_interrupted",
        f"The {NOUNS[kind]} was interrupted {attempts} times. Try again later.",
    )


def retry(attempts: int, reason: str, of: int = MAX_ATTEMPTS) -> Retry:
    """The attempt after this number of them; the pause before it doubles each time."""
    return Retry(min(2.0 ** (attempts - 1), MAX_PAUSE_SECONDS), attempts + 1, of, reason)
