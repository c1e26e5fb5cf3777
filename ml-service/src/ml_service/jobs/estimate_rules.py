"""Rules of the queue: the order of waiting jobs, and their estimated ends by similar past jobs."""

import heapq
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml_service.jobs.rules import Duration

# Similar jobs have between half and twice the rows.
SIMILAR_FACTOR = 2
# Usual durations of short and long jobs. What is between them may be short: a busy machine slows all jobs.
SHORT_SECONDS, LONG_SECONDS = 3.0, 30.0
# After this time a job on a reserved worker makes room for another user's.
MOST_SHORT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class JobProfile:
    """The properties that determine the duration of a job."""

    kind: str
    model_type: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A waiting or running job; `seconds` is its run time so far, None while it waits."""

    id: int
    user_id: int
    profile: JobProfile
    workers: int = 1
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PastJob:
    profile: JobProfile
    seconds: float


@dataclass(frozen=True, slots=True)
class QueueEstimate:
    """A waiting job's position in the queue, from 1, and the seconds until it ends; None if unknown."""

    queue_position: int | None = None
    estimated_seconds: float | None = None


NO_ESTIMATE = QueueEstimate()


def estimate_queue(
    live: Sequence[LiveJob], past: Sequence[PastJob], slots: int
) -> Mapping[int, QueueEstimate]:
    """Estimates of all live jobs by id; a job behind one of unknown duration has an unknown end."""
    # By type, since each profile is compared with all past jobs of its type.
    by_type: defaultdict[tuple[str, str | None], list[PastJob]] = defaultdict(list)
    for job in past:
        by_type[job.profile.kind, job.profile.model_type].append(job)
    profiles = {job.profile for job in live}
    typical = {each: typical_seconds(each, by_type[each.kind, each.model_type]) for each in profiles}
    running = [job for job in live if job.seconds is not None]
    left = {job.id: _seconds_left(job, typical[job.profile]) for job in running}
    estimates = {job_id: QueueEstimate(None, seconds) for job_id, seconds in left.items()}
    free_at = _worker_free_times(running, left, slots)
    for position, job in enumerate(start_order(live), start=1):
        end = _end_of_next(free_at, typical[job.profile])
        free_at = free_at if end is not None else None
        estimates[job.id] = QueueEstimate(position, end)
    return estimates


def start_order(live: Iterable[LiveJob]) -> list[LiveJob]:
    """Waiting jobs in their order of start: the user with the fewest workers first, then the oldest job."""
    jobs = sorted(live, key=lambda job: job.id)
    used: Counter[int] = Counter()
    for job in jobs:
        if job.seconds is not None:
            used[job.user_id] += job.workers
    turns: list[tuple[int, int, LiveJob]] = []
    for job in jobs:
        if job.seconds is None:
            turns.append((used[job.user_id], job.id, job))
            used[job.user_id] += 1
    return [job for _, _, job in sorted(turns, key=lambda turn: turn[:2])]


def typical_seconds(profile: JobProfile, past: Iterable[PastJob]) -> float | None:
    """The median duration of jobs of the same type with half to twice the rows; None without such jobs."""
    similar = [job.seconds for job in past if _is_similar(profile, job.profile)]
    return statistics.median(similar) if similar else None


def expected_duration(profile: JobProfile, past: Iterable[PastJob]) -> Duration:
    seconds = typical_seconds(profile, past)
    if seconds is None or SHORT_SECONDS < seconds <= LONG_SECONDS:
        return Duration.UNKNOWN
    return Duration.SHORT if seconds <= SHORT_SECONDS else Duration.LONG


def _is_similar(profile: JobProfile, other: JobProfile) -> bool:
    if profile.rows is None or other.rows is None or profile.model_type is None:
        return False
    same = (profile.kind, profile.model_type) == (other.kind, other.model_type)
    fewer, more = sorted((profile.rows, other.rows))
    return same and more <= fewer * SIMILAR_FACTOR


def _seconds_left(job: LiveJob, typical: float | None) -> float | None:
    """None if unknown, also for a job that already takes longer than typical."""
    if typical is None or job.seconds is None or job.seconds >= typical:
        return None
    return typical - job.seconds


def _worker_free_times(
    running: Sequence[LiveJob], left: Mapping[int, float | None], slots: int
) -> list[float] | None:
    """A heap of the seconds until each worker is free; None if any is unknown."""
    free_at: list[float] = []
    for job in running:
        seconds = left[job.id]
        if seconds is None:
            return None
        free_at += [seconds] * job.workers
    free_at += [0.0] * (slots - len(free_at))
    heapq.heapify(free_at)
    return free_at or None


def _end_of_next(free_at: list[float] | None, typical: float | None) -> float | None:
    """Assign the next job to the worker that is free first; returns its end."""
    if free_at is None or typical is None:
        return None
    end = free_at[0] + typical
    heapq.heapreplace(free_at, end)
    return end
