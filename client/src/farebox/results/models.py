"""Model types and trained models."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result

Figures = dict[str, float | None]


class ModelType(Result):
    """A model type, with a JSON Schema of its parameters.

    The type `auto` also has a JSON Schema of its `budget`, and in `candidates` the largest number of
    candidates for each task.
    """

    name: str
    title: str
    tasks: list[str]
    parameters: dict[str, object]
    budget: dict[str, object] | None
    candidates: dict[str, int] | None


class Candidate(Result):
    """A line of the leaderboard: means over the folds. Higher scores are better.

    `spread` is the standard deviation of the score over the folds, `standard_error` that of its mean; the
    chosen candidate is the simplest and fastest within one standard error of the best score. `name` has the
    parameters, which distinguish candidates of one type; older servers send none.
    The state `started` occurs only in events of a running job.
    """

    type: str
    params: dict[str, object]
    state: Literal["not_tried", "started", "finished", "failed"]
    metric: str | None
    score: float | None
    spread: float | None
    fit_seconds: float | None
    predict_seconds: float | None
    error: dict[str, str] | None
    chosen: bool
    standard_error: float | None = None
    name: str = ""

    @property
    def title(self) -> str:
        return self.name or self.type


class Recipe(Result):
    """Everything needed to train the same model again."""

    spec: dict[str, object]
    versions: dict[str, str]
    rows: int
    training_rows: int
    test_rows: int
    stratified: bool
    selection: dict[str, object] | None


class Model(Result):
    """A trained model: its metrics, those of a baseline, and its training data.

    `task_note` says how to choose the other task, if the label allows both.
    """

    name: str
    type: str
    task: str
    task_note: str | None = None
    label: str
    features: list[str]
    params: dict[str, object]
    metrics: Figures
    baseline: Figures
    verdict: str
    warnings: list[str]
    leaderboard: list[Candidate] | None
    recipe: Recipe
    size_bytes: int
    job_id: int | None
    challenge_id: int | None = None
    created_at: datetime


class ModelSchema(Result):
    """A model's input columns; `example` is a valid request."""

    name: str
    task: str
    label: str
    classes: list[str | int]
    features: list[dict[str, object]]
    example: dict[str, dict[str, object]]
