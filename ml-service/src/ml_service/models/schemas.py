"""Schemas of models."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, computed_field

from ml_service.learning.comparison import AUTO, most_candidates
from ml_service.learning.model_types import candidate_name
from ml_service.orm import Model

MOST_SECONDS = 86_400
MOST_TOKENS = 10**9

Label = str | int
Figures = dict[str, float | None]


class BudgetRequest(BaseModel):
    """The limits of a comparison: seconds from its start, tokens for the candidates that finish."""

    model_config = ConfigDict(extra="forbid", title="Budget")

    seconds: StrictInt | None = Field(
        default=None, ge=1, le=MOST_SECONDS, description="Seconds for all candidates together."
    )
    tokens: StrictInt | None = Field(
        default=None, ge=1, le=MOST_TOKENS, description="Tokens for all candidates together."
    )


class ModelTypeView(BaseModel):
    """A model type; `parameters` is a JSON Schema, as is `budget` of the type that compares all others.

    `candidates` is the highest number of candidates by task; a comparison charges the finished ones.
    """

    name: str
    title: str
    tasks: list[str]
    parameters: dict[str, Any]  # Any: JSON Schema
    budget: dict[str, Any] | None = None  # Any: JSON Schema
    candidates: dict[str, int] | None = None

    @classmethod
    def of_comparison(cls) -> "ModelTypeView":
        candidates = most_candidates()
        return cls(
            name=AUTO,
            title="The best of all types",
            tasks=sorted(candidates),
            parameters={"type": "object", "properties": {}},
            budget=BudgetRequest.model_json_schema(),
            candidates=candidates,
        )


class CandidateView(BaseModel):
    """A line of a leaderboard: means over the folds; higher scores are better.

    `spread` is the standard deviation of the score over the folds, `standard_error` that of its mean. The
    chosen candidate is the first line: the simplest and fastest within one standard error of the best score.
    """

    type: str
    params: dict[str, Any]  # Any: parameters are of many types
    state: Literal["finished", "failed", "not_tried"]
    metric: str | None
    score: float | None
    spread: float | None
    fit_seconds: float | None
    predict_seconds: float | None
    error: dict[str, str] | None
    chosen: bool
    standard_error: float | None = None

    @computed_field
    @property
    def name(self) -> str:
        """The title of the type with the parameters, which distinguishes the lines."""
        return candidate_name(self.type, self.params)


class RecipeView(BaseModel):
    """The inputs that reproduce a model."""

    spec: dict[str, Any]  # Any: parameters are of many types
    versions: dict[str, str]
    rows: int
    training_rows: int
    test_rows: int
    stratified: bool
    selection: dict[str, Any] | None = None  # Any: the choice of a comparison


class ModelView(BaseModel):
    """A model: its metrics beside a baseline, its parameters and its training data.

    `task_note` says how to choose the other task, if the label allows both.
    """

    name: str
    type: str
    task: str
    task_note: str | None
    label: str
    features: list[str]
    params: dict[str, Any]  # Any: parameters are of many types
    metrics: Figures
    baseline: Figures
    verdict: str
    warnings: list[str]
    leaderboard: list[CandidateView] | None
    recipe: RecipeView
    size_bytes: int
    job_id: int | None
    challenge_id: int | None = None
    created_at: datetime

    @classmethod
    def of(cls, model: Model) -> "ModelView":
        description = model.description or {}
        return cls(
            name=model.name,
            type=model.model_type,
            task=description["task"],
            task_note=description.get("task_note"),
            label=description["label"],
            features=description["spec"]["features"],
            params=description["params"],
            metrics=description["metrics"],
            baseline=description["baseline"],
            verdict=description["verdict"],
            warnings=description["warnings"],
            leaderboard=description.get("leaderboard"),
            recipe=RecipeView.model_validate(description),
            size_bytes=model.size_bytes,
            job_id=model.job_id,
            challenge_id=model.challenge_id,
            created_at=model.ready_at or model.created_at,
        )


class ModelSchemaView(BaseModel):
    """The features with their kinds, types and ranges; `example` is a request for /predict."""

    name: str
    task: str
    label: str
    classes: list[str | int]
    features: list[dict[str, Any]]  # Any: members depend on the feature's kind
    example: dict[str, Any]  # Any: cells of every kind

    @classmethod
    def of(cls, model: Model) -> "ModelSchemaView":
        description = model.description or {}
        return cls(
            name=model.name,
            task=description["task"],
            label=description["label"],
            classes=description["classes"],
            features=description["features"],
            example=description["example"],
        )
