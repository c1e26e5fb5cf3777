"""The leaderboard of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ml_service.learning.tables import Json

State = Literal["not_tried", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: means over the folds, and the score's standard deviation; higher is better."""

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

    def to_json(self) -> Json:
        return asdict(self)

    def finished(self, scores: Mapping[str, Any]) -> "Entry":  # Any: JSON
        return replace(self, state="finished", **scores)

    def failed(self, code: str, detail: str) -> "Entry":
        return replace(self, state="failed", error={"code": code, "detail": detail})


def ranked(entries: Sequence[Entry]) -> list[int]:
    """Indexes of the finished entries, best first; equals by their spread, then by their order."""
    finished = [index for index, entry in enumerate(entries) if entry.state == "finished"]
    return sorted(
        finished, key=lambda index: (-(entries[index].score or 0), entries[index].spread or 0, index)
    )


def leaderboard(entries: Sequence[Entry]) -> list[Json]:
    """Best first, then those that failed or were not tried."""
    best = ranked(entries)
    others = [index for index in range(len(entries)) if index not in best]
    return [entries[index].to_json() for index in [*best, *others]]


def count_finished(entries: Sequence[Entry]) -> int:
    return sum(entry.state == "finished" for entry in entries)
