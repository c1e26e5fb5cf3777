"""The candidates of a comparison: each type's own choice of parameters, every type's defaults first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Any

from kit.errors import ServiceError
from ml_service.learning import training
from ml_service.learning.model_types import MODEL_TYPES, Task
from ml_service.learning.tables import Json, TableProfile
from ml_service.learning.training.errors import InvalidSpec, PartTooSmall
from ml_service.learning.training.rules import make_plan
from ml_service.learning.training.spec import TrainingSpec

FOLDS = 5
FEWEST_ROWS = 2 * FOLDS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type with parameters; missing ones have the type's defaults."""

    type: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """The training that all candidates share, and the time that they may take together."""

    base: TrainingSpec
    candidates: tuple[Candidate, ...]
    seconds: int | None = None

    def training(self, candidate: Candidate) -> TrainingSpec:
        return replace(self.base, model_type=candidate.type, params=candidate.params)

    def to_json(self) -> Json:
        named = [{"type": each.type, "params": dict(each.params)} for each in self.candidates]
        return {**self.base.to_json(), "candidates": named, "seconds": self.seconds}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ComparisonSpec":  # Any: JSON
        own = {"candidates", "seconds"}
        base = TrainingSpec.from_json({name: each for name, each in document.items() if name not in own})
        candidates = tuple(Candidate(each["type"], each["params"]) for each in document["candidates"])
        return cls(base, candidates, document["seconds"])


def candidates_for(task: Task) -> list[Candidate]:
    offered = [each for each in MODEL_TYPES.values() if task in each.tasks]
    by_type = [[Candidate(each.name, params) for params in each.candidates] for each in offered]
    return [each for each in chain(*zip_longest(*by_type)) if each is not None]


def plan_comparison(profile: TableProfile, base: TrainingSpec, seconds: int | None) -> ComparisonSpec:
    """The candidates that can be trained on this table; raises if none can."""
    if base.params:
        raise InvalidSpec("auto chooses parameters itself; leave params out.")
    plan = make_plan(profile, base)
    if plan.training_rows < FEWEST_ROWS:
        raise PartTooSmall("training", plan.training_rows, FEWEST_ROWS)
    spec = ComparisonSpec(replace(base, task=plan.task), (), seconds)
    fitting = [each for each in candidates_for(plan.task) if _fits(profile, spec.training(each))]
    return replace(spec, candidates=tuple(fitting))


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
