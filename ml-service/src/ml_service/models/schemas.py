"""Schemas of models and of their reports."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, computed_field

from ml_service.datasets.schemas import FindingView
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
            created_at=model.ready_at or model.created_at,
        )


class ModelSchemaView(BaseModel):
    """The features with their kinds and ranges; `example` is a request for /predict."""

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


class MetricView(BaseModel):
    """A metric on the test part, its 95 % interval, null if it cannot be estimated, and the baseline's."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    higher_is_better: bool


class ConfusionMatrixView(BaseModel):
    """`counts[i][j]`: rows of label i that were predicted as label j."""

    labels: list[Label]
    counts: list[list[int]]


class RocView(BaseModel):
    label: Label
    false_positive_rate: list[float]
    true_positive_rate: list[float]
    area: float


class PrecisionRecallView(BaseModel):
    label: Label
    precision: list[float]
    recall: list[float]
    average_precision: float


class CalibrationView(BaseModel):
    """Bins of predicted probability: its mean, the observed share with its 95 % interval, and the rows."""

    label: Label
    predicted: list[float]
    observed: list[float]
    counts: list[int]
    low: list[float] | None = None
    high: list[float] | None = None


class ResidualsView(BaseModel):
    """A histogram of residuals: label minus prediction."""

    edges: list[float]
    counts: list[int]


class PredictedActualView(BaseModel):
    """At most 500 test rows."""

    actual: list[float]
    predicted: list[float]


class ImportanceView(BaseModel):
    """The fall of the main metric when the column's cells are shuffled."""

    feature: str
    mean: float
    spread: float


class LearningView(BaseModel):
    """The main metric of fits on fewer rows, the last the model's own, all on the same `test_rows`."""

    training_rows: list[int]
    training_score: list[float]
    test_score: list[float]
    metric: str
    test_rows: int | None = None


class CoverageView(BaseModel):
    """The coverage of intervals or label sets: nominal, and measured by splitting the calibration rows."""

    coverage_nominal: float
    coverage_measured: float
    calibration_rows: int


class SplitView(BaseModel):
    """The choice of test rows; the other members are those of a split in time or by groups.

    `training_until` and `test_from` are the last time of the training part and the first of the test part.
    """

    by: Literal["random", "time", "group"] = "random"
    column: str | None = None
    training_until: str | float | None = None
    test_from: str | float | None = None
    training_groups: int | None = None
    test_groups: int | None = None


class ReportRecipeView(BaseModel):
    """Everything needed to train the same model again, with the same metrics."""

    data_sha256: str
    spec: dict[str, Any]  # Any: parameters are of many types
    params: dict[str, Any]  # Any: as above
    seed: int
    train_fraction: float
    stratified: bool
    split: SplitView = SplitView()
    rows: int
    training_rows: int
    calibration_rows: int
    test_rows: int
    versions: dict[str, str]


class ReportView(BaseModel):
    """The quality of a model and the reasons for it; members that do not apply to its task are null.

    Metrics are of all test rows; all else is of at most `evaluated_rows`, drawn from them at random.
    """

    model: str
    evaluated_rows: int
    type: str
    task: str
    label: str
    created_at: datetime
    verdict: str
    metrics: list[MetricView]
    confusion_matrix: ConfusionMatrixView | None
    roc: list[RocView] | None
    precision_recall: list[PrecisionRecallView] | None
    calibration: list[CalibrationView] | None
    residuals: ResidualsView | None
    predicted_actual: PredictedActualView | None
    importance: list[ImportanceView]
    learning: LearningView | None
    findings: list[FindingView]
    intervals: CoverageView | None
    leaderboard: list[CandidateView] | None
    recipe: ReportRecipeView
