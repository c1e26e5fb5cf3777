"""Comparisons of model types for a task: the candidates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Any

from kit.errors import ServiceError
from ml_service.learning import training
from ml_service.learning.leaderboard import FOLDS
from ml_service.learning.model_types import MODEL_TYPES, Task
from ml_service.learning.tables import Json, TableProfile
from ml_service.learning.training.errors import InvalidSpec, PartTooSmall
from ml_service.learning.training.rules import make_plan
from ml_service.learning.training.spec import TrainingSpec
from ml_service.learning.training.split_rules import check_split

AUTO = "auto"
FEWEST_ROWS = 2 * FOLDS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model type with parameters; missing ones have the type's defaults."""

    type: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """The training spec shared by all candidates, and the seconds of the whole comparison."""

    base: TrainingSpec
    candidates: tuple[Candidate, ...]
    seconds: int | None = None

    def training(self, candidate: Candidate) -> TrainingSpec:
        return replace(self.base, model_type=candidate.type, params=candidate.params)

    def to_json(self) -> Json:
        candidates = [
            {"type": candidate.type, "params": dict(candidate.params)} for candidate in self.candidates
        ]
        return {**self.base.to_json(), "candidates": candidates, "seconds": self.seconds}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ComparisonSpec":  # Any: JSON
        own = {"candidates", "seconds"}
        base = TrainingSpec.from_json({name: value for name, value in document.items() if name not in own})
        candidates = tuple(Candidate(**candidate) for candidate in document["candidates"])
        return cls(base, candidates, document["seconds"])


def plan_comparison(profile: TableProfile, base: TrainingSpec, seconds: int | None) -> ComparisonSpec:
    """The comparison of all candidates that fit the table; raises if the table fits none."""
    if base.params:
        raise InvalidSpec("auto chooses parameters itself; leave params out.")
    plan = make_plan(profile, base)
    # Folds in time begin with one more part, which is never tested.
    needed = FEWEST_ROWS + 2 if base.split.by == "time" else FEWEST_ROWS
    if plan.training_rows < needed:
        raise PartTooSmall("training", plan.training_rows, needed)
    check_split(profile, base, FOLDS)
    spec = ComparisonSpec(replace(base, task=plan.task), (), seconds)
    candidates = candidates_for(plan.task)
    fitting = (candidate for candidate in candidates if _fits(profile, spec.training(candidate)))
    return replace(spec, candidates=tuple(fitting))


def candidates_for(task: Task) -> list[Candidate]:
    """All candidates of all model types for the task, the defaults of every type first."""
    by_type = [
        [Candidate(model_type.name, params) for params in model_type.candidates]
        for model_type in MODEL_TYPES.values()
        if task in model_type.tasks
    ]
    return [candidate for candidate in chain(*zip_longest(*by_type)) if candidate is not None]


def most_candidates() -> dict[str, int]:
    """The number of candidates for each task."""
    tasks: tuple[Task, ...] = ("classification", "regression")
    return {task: len(candidates_for(task)) for task in tasks}


def _fits(profile: TableProfile, spec: TrainingSpec) -> bool:
    try:
        training.check(profile, spec)
    except ServiceError:
        return False
    return True
