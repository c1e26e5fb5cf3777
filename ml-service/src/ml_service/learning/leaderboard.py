"""Leaderboard of a comparison: the candidates' scores, the choice among them, and its rivals."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ml_service.learning.model_types import MODEL_TYPES, candidate_name
from ml_service.learning.tables import Json

FOLDS = 5
# The model type of a training that names none, in the client and on the page.
DEFAULT_TYPE = "random_forest"
# Fits are equally fast if they take less than a second, or at most twice as long as the fastest.
FAST_SECONDS, SLOWER = 1.0, 2.0
# Reading and preparing the table, in addition to the fits.
OVERHEAD_SECONDS = 0.5
# The final fit has more rows than a fold's.
FINAL_FIT = 1.5

# Metrics in which a rival may be better; higher values are better in each.
HEADLINES = ("accuracy", "balanced_accuracy", "roc_auc", "r2_score")

Metrics = Mapping[str, float | None]
State = Literal["not_tried", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the leaderboard: means over the folds.

    `spread` is the standard deviation of the score over the folds, `standard_error` that of its mean.
    """

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
    standard_error: float | None = None

    @property
    def name(self) -> str:
        return candidate_name(self.type, self.params)

    @property
    def seconds(self) -> float:
        """The time of a fit and of the predictions for a fold."""
        return (self.fit_seconds or 0) + (self.predict_seconds or 0)

    def to_json(self) -> Json:
        return asdict(self)

    def finished(self, scores: Mapping[str, Any]) -> "Entry":  # Any: JSON
        return replace(self, state="finished", **scores)

    def failed(self, code: str, detail: str) -> "Entry":
        return replace(self, state="failed", error={"code": code, "detail": detail})


def ranked(entries: Sequence[Entry]) -> list[int]:
    """Indexes of the finished entries by descending score; ties are resolved by spread, then by order."""
    finished = [index for index, entry in enumerate(entries) if entry.state == "finished"]
    return sorted(
        finished, key=lambda index: (-(entries[index].score or 0), entries[index].spread or 0, index)
    )


def choose(entries: Sequence[Entry]) -> int | None:
    """The simplest and fastest entry within one standard error of the best; None if none has finished.

    The rule is that of Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984): so
    small a difference is no evidence for a larger model. Of equally simple and fast ones the best is chosen.
    """
    best_first = ranked(entries)
    if not best_first:
        return None
    best = entries[best_first[0]]
    least = (best.score or 0) - (best.standard_error or 0)
    close = [index for index in best_first if (entries[index].score or 0) >= least]
    simplest = min(_complexity(entries[index]) for index in close)
    simple = [index for index in close if _complexity(entries[index]) == simplest]
    fastest = min(entries[index].seconds for index in simple)
    return next(index for index in simple if entries[index].seconds <= max(FAST_SECONDS, SLOWER * fastest))


def rivals(entries: Sequence[Entry], chosen: int) -> list[int]:
    """The best of the other entries, and the default model, which a training without a comparison gives."""
    others = [index for index in ranked(entries) if index != chosen]
    default = [
        index for index in others if (entries[index].type, entries[index].params) == (DEFAULT_TYPE, {})
    ]
    return list(dict.fromkeys([*others[:1], *default]))


def explain_choice(
    entries: Sequence[Entry], chosen: int, metrics: Metrics, measured: Mapping[int, Metrics | None]
) -> str:
    """Sentences about the chosen model: a better score in the leaderboard, and its rivals on the test part.

    `measured` has the metrics of each rival, None of one that was not fitted again.
    """
    return " ".join([*_on_better_score(entries, chosen), *_on_rivals(entries, metrics, measured)])


def _on_better_score(entries: Sequence[Entry], chosen: int) -> Iterator[str]:
    own, best = entries[chosen], entries[ranked(entries)[0]]
    if best != own and (best.score or 0) > (own.score or 0):
        yield (
            f"{best.name} has a higher score in cross-validation, {best.score:.3f} against {own.score:.3f}, "
            f"but by less than one standard error ({best.standard_error or 0:.3f}); the chosen model is "
            "simpler or faster."
        )


def _on_rivals(
    entries: Sequence[Entry], metrics: Metrics, measured: Mapping[int, Metrics | None]
) -> Iterator[str]:
    no_better: list[str] = []
    for index, figures in measured.items():
        name = entries[index].name
        if figures is None:
            yield f"{name} was not compared on the test part, for want of time or because it failed."
        elif better := _better(metrics, figures):
            yield f"On the test part, {name} is better: {better}. Train it alone to use it instead."
        else:
            no_better.append(name)
    if no_better:
        verb = "are" if len(no_better) > 1 else "is"
        yield f"On the test part, {' and '.join(no_better)} {verb} no better."


def _better(metrics: Metrics, others: Metrics) -> str:
    """The headline metrics in which the others are higher."""
    pairs = ((name, others.get(name), metrics.get(name)) for name in HEADLINES)
    return ", ".join(
        f"{name.replace('_', ' ')} {other:.3f} against {own:.3f}"
        for name, other, own in pairs
        if other is not None and own is not None and round(other, 3) > round(own, 3)
    )


def leaderboard(entries: Sequence[Entry], chosen: int | None = None) -> list[Json]:
    """The chosen entry, the other finished ones with the best first, then failed and untried ones."""
    finished = sorted(ranked(entries), key=lambda index: index != chosen)
    others = [index for index in range(len(entries)) if index not in finished]
    return [{**entries[index].to_json(), "chosen": index == chosen} for index in [*finished, *others]]


def count_finished(entries: Sequence[Entry]) -> int:
    return sum(entry.state == "finished" for entry in entries)


def seconds_left(
    entries: Sequence[Entry], running: Mapping[int, float], waiting: Sequence[int]
) -> float | None:
    """Estimate the rest of a comparison by its finished candidates; None before the first.

    `running` has the seconds that each running candidate has taken, `waiting` the candidates to come.
    """
    times = {
        index: OVERHEAD_SECONDS + FOLDS * entry.seconds
        for index, entry in enumerate(entries)
        if entry.state == "finished"
    }
    if not times:
        return None
    average = sum(times.values()) / len(times)

    def expected(index: int) -> float:
        alike = [seconds for other, seconds in times.items() if entries[other].type == entries[index].type]
        return max(alike, default=average)

    # One that takes longer than expected is taken to be half done.
    rest = [max(expected(index) - seconds, seconds / 2) for index, seconds in running.items()]
    work = sum(rest) + sum(expected(index) for index in waiting)
    final = FINAL_FIT * max(entries[index].seconds for index in ranked(entries)[:1])
    return max([work / max(1, len(running)), *rest]) + final


def _complexity(entry: Entry) -> float:
    return MODEL_TYPES[entry.type].complexity if entry.type in MODEL_TYPES else math.inf
