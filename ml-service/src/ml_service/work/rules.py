"""How far an attempt is, and what becomes of one that did not end well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ml_service.jobs.rules import JobKind

MOST_ATTEMPTS = 5
MOST_DEATHS = 3
LONGEST_PAUSE_SECONDS = 30.0
# What a job of each kind is called in sentences and codes.
WORK: Mapping[str, str] = {JobKind.TRAIN: "training", JobKind.BATCH: "batch"}
PERCENT_AT = {"reading": 5, "preparing": 25, "fitting": 35, "scoring": 85, "saving": 95}

Kind = Literal["refused", "crashed", "worker_died", "time_limit"]


@dataclass(frozen=True, slots=True)
class Failure:
    """`code`, `detail` and `members` are what the training itself said, when it did."""

    kind: Kind
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
    """Try again what an outage interrupted; what would fail the same way again is given up at once."""
    work = WORK[kind]
    match failure.kind:
        case "refused":
            return GiveUp(failure.code, failure.detail, failure.members)
        case "crashed":
            return GiveUp(
                f"{work}_crashed",
                f"The {work} failed on our side; nothing was charged. Quote the job's id when asking.",
            )
        case "worker_died":
            # One may have been stopped for another reason: a restart, a smaller cluster.
            return _too_much_memory(work) if attempts >= MOST_DEATHS else retry_or_give_up(kind, attempts)
        case "time_limit":
            return GiveUp(
                "time_limit",
                f"The {work} took longer than {time_limit:g} seconds; use fewer rows or a smaller model.",
            )


def retry_or_give_up(kind: str, attempts: int) -> Retry | GiveUp:
    """After this many attempts that something interrupted."""
    if attempts >= MOST_ATTEMPTS:
        return GiveUp(
            f"{WORK[kind]}_interrupted",
            f"The {WORK[kind]} was interrupted too often; nothing was charged, please try again.",
        )
    return Retry(min(2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS))


def _too_much_memory(work: str) -> GiveUp:
    return GiveUp(
        "out_of_memory",
        f"The {work} needed more memory than a worker has; use fewer rows or columns, or a smaller model.",
    )
