"""Who leads, what is due, and how many candidates a budget pays for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

State = Literal["not_tried", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the leaderboard: means over the folds, and the score's spread; more is better."""

    type: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    state: State = "not_tried"
    metric: str | None = None
    score: float | None = None
    spread: float | None = None
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    error: Mapping[str, str] | None = None
    chosen: bool = False

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        return asdict(self)

    def finished(self, scores: Mapping[str, Any]) -> "Entry":  # Any: JSON
        return replace(self, state="finished", **scores)

    def failed(self, code: str, detail: str) -> "Entry":
        return replace(self, state="failed", error={"code": code, "detail": detail})


def ranked(entries: Sequence[Entry]) -> list[int]:
    """The places of those that finished, best first; of equals the steadier, then the plainer one leads."""
    finished = [place for place, entry in enumerate(entries) if entry.state == "finished"]
    return sorted(
        finished, key=lambda place: (-(entries[place].score or 0), entries[place].spread or 0, place)
    )


def leaderboard(entries: Sequence[Entry]) -> list[dict[str, Any]]:  # Any: JSON
    """Best first, then what failed or was not tried."""
    best = ranked(entries)
    others = [place for place in range(len(entries)) if place not in best]
    return [entries[place].to_json() for place in [*best, *others]]


def count_finished(entries: Sequence[Entry]) -> int:
    return sum(entry.state == "finished" for entry in entries)


def tokens_due(held: int, candidates: int, finished: int) -> int:
    """The share of the hold for those that finished, rounded down."""
    return held * finished // candidates


def affordable(candidates: int, tokens: int, per_units: int, budget: int) -> int:
    """How many of the candidates a budget pays for when each started `per_units` of them cost `tokens`."""
    return candidates if tokens == 0 else min(candidates, per_units * (budget // tokens))
