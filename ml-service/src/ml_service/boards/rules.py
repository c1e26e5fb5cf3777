"""Rules of boards: the submission that counts, ranks with ties, and efficiency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from ml_service.learning.challenges.metric_rules import LOWER_IS_BETTER, round_to_error, skill

# Only scores with this part of the best skill have an efficiency: else the cheapest guess would win.
ENOUGH_SKILL = 0.8


@dataclass(frozen=True, slots=True)
class Entry:
    """A scored submission that may count; the private figures are None before the end.

    `best` marks the member's best public score, and `submissions` counts all scored ones.
    """

    user_id: int
    submission_id: int
    accepted_at: datetime
    public: float
    error: float | None
    best: bool
    selected: bool
    submissions: int
    private: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A member's line. `score` is the public one, rounded to its standard error, or the final one."""

    entry: Entry
    score: float
    rank: int = 0
    public_rank: int | None = None
    tokens: int | None = None
    efficiency: float | None = None


def public_board(entries: Sequence[Entry], metric: str) -> list[Line]:
    """The best public score of each member. Equal shown scores share a rank, the earlier one is first."""
    best = [entry for entry in entries if entry.best]
    return _ranked([Line(entry, round_to_error(entry.public, entry.error)) for entry in best], metric)


def final_board(entries: Sequence[Entry], metric: str) -> list[Line]:
    """The better private score of the selected submissions, or that of the best public one."""
    public_ranks = {line.entry.user_id: line.rank for line in public_board(entries, metric)}
    by_member = groupby(sorted(entries, key=lambda entry: entry.user_id), key=lambda entry: entry.user_id)
    lines: list[Line] = []
    for user_id, own in by_member:
        candidates = list(own)
        counting = [entry for entry in candidates if entry.selected] or [e for e in candidates if e.best]
        scored = [(entry.private, entry) for entry in counting if entry.private is not None]
        if scored:
            score, entry = min(scored, key=lambda pair: (_order(metric, pair[0]), pair[1].accepted_at))
            lines.append(Line(entry, score, public_rank=public_ranks.get(user_id)))
    return _ranked(lines, metric)


def with_efficiency(
    lines: Sequence[Line], metric: str, baseline: float | None, tokens: Mapping[int, int] | None
) -> list[Line]:
    """The lines with their tokens, and with skill per token for those with most of the best skill.

    Without `tokens`, which billing could not report, both are unknown.
    """
    if tokens is None or baseline is None:
        return list(lines)
    skills = {line.entry.user_id: skill(metric, line.score, baseline) for line in lines}
    enough = ENOUGH_SKILL * max(skills.values(), default=0.0)
    result: list[Line] = []
    for line in lines:
        used, own = tokens.get(line.entry.user_id, 0), skills[line.entry.user_id]
        has_efficiency = used > 0 and own > 0 and own >= enough
        result.append(replace(line, tokens=used, efficiency=own / used if has_efficiency else None))
    return result


def by_efficiency(lines: Sequence[Line]) -> list[Line]:
    """The lines with an efficiency, ranked by it."""
    known = [(line.efficiency, line) for line in lines if line.efficiency is not None]
    known.sort(key=lambda pair: (-pair[0], pair[1].entry.accepted_at))
    return _share_ranks([line for _, line in known], [-value for value, _ in known])


def _ranked(lines: Sequence[Line], metric: str) -> list[Line]:
    ordered = sorted(lines, key=lambda line: (_order(metric, line.score), line.entry.accepted_at))
    return _share_ranks(ordered, [_order(metric, line.score) for line in ordered])


def _share_ranks(lines: Sequence[Line], values: Sequence[float]) -> list[Line]:
    """Competition ranks: 1, 2, 2, 4."""
    ranks: list[int] = []
    for position, value in enumerate(values):
        is_equal = position > 0 and value == values[position - 1]
        ranks.append(ranks[-1] if is_equal else position + 1)
    return [replace(line, rank=rank) for line, rank in zip(lines, ranks, strict=True)]


def _order(metric: str, score: float) -> float:
    """The better, the smaller."""
    return score if metric in LOWER_IS_BETTER else -score
