"""Whose turn it is, and how long that and the work will take, from what alike jobs took."""

import heapq
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SIMILAR_TIMES = 2


@dataclass(frozen=True, slots=True)
class Nature:
    """What decides how long a job takes."""

    kind: str
    model_type: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class LiveJob:
    """`seconds` it has run so far; None while it waits."""

    id: int
    user_id: int
    nature: Nature
    workers: int = 1
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PastJob:
    nature: Nature
    seconds: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """A waiting job's place in the queue, from 1; the seconds until it ends, where they are known."""

    queue_position: int | None = None
    estimated_seconds: float | None = None


NO_OUTLOOK = Outlook()


def usual_seconds(nature: Nature, past: Iterable[PastJob]) -> float | None:
    """The median of jobs of the same type with half to twice the rows; None when there was none."""
    alike = [each.seconds for each in past if _is_alike(nature, each.nature)]
    return statistics.median(alike) if alike else None


def in_turn(live: Iterable[LiveJob]) -> list[LiveJob]:
    """Those that wait, as they are begun: of whoever uses fewest workers first, then the oldest."""
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


def look_ahead(live: Sequence[LiveJob], past: Sequence[PastJob], slots: int) -> Mapping[int, Outlook]:
    """Of every live job by its id. What waits for something of unknown length is of unknown length too."""
    natures = {job.nature for job in live}
    usual = {nature: usual_seconds(nature, past) for nature in natures}
    running = [job for job in live if job.seconds is not None]
    left = {job.id: _seconds_left(job, usual[job.nature]) for job in running}
    outlooks = {job_id: Outlook(None, seconds) for job_id, seconds in left.items()}
    ends = _ends_of_workers(running, left, slots)
    for position, job in enumerate(in_turn(live), start=1):
        end = _end_of_next(ends, usual[job.nature])
        ends = ends if end is not None else None
        outlooks[job.id] = Outlook(position, end)
    return outlooks


def _is_alike(nature: Nature, other: Nature) -> bool:
    if nature.rows is None or other.rows is None or nature.model_type is None:
        return False
    same = (nature.kind, nature.model_type) == (other.kind, other.model_type)
    return same and nature.rows <= other.rows * SIMILAR_TIMES and other.rows <= nature.rows * SIMILAR_TIMES


def _seconds_left(job: LiveJob, usual: float | None) -> float | None:
    """None too for a job that takes longer than usual, of which nothing is known."""
    if usual is None or job.seconds is None or job.seconds >= usual:
        return None
    return usual - job.seconds


def _ends_of_workers(
    running: Sequence[LiveJob], left: Mapping[int, float | None], slots: int
) -> list[float] | None:
    """When each worker is free, as a heap; None when that cannot be said."""
    ends: list[float] = []
    for job in running:
        seconds = left[job.id]
        if seconds is None:
            return None
        ends += [seconds] * job.workers
    ends += [0.0] * (slots - len(ends))
    heapq.heapify(ends)
    return ends or None


def _end_of_next(ends: list[float] | None, usual: float | None) -> float | None:
    """Give the next job the worker that is free first."""
    if ends is None or usual is None:
        return None
    end = ends[0] + usual
    heapq.heapreplace(ends, end)
    return end
