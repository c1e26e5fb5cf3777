"""Reports on the wire."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from ml_service.datasets.schemas import FindingView
from ml_service.models.schemas import CandidateView

Label = str | int


class MetricView(BaseModel):
    """A figure of the test part with its 95 % interval by the bootstrap, beside the baseline's."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    higher_is_better: bool


class ConfusionMatrixView(BaseModel):
    """`counts[i][j]`: rows of label i that were taken for label j."""

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
    """Rows by their predicted probability: its mean, how often it came true, and how many they are."""

    label: Label
    predicted: list[float]
    observed: list[float]
    counts: list[int]


class ResidualsView(BaseModel):
    """How many labels lie how far above their prediction."""

    edges: list[float]
    counts: list[int]


class PredictedActualView(BaseModel):
    """At most 500 test rows."""

    actual: list[float]
    predicted: list[float]


class ImportanceView(BaseModel):
    """How much the main metric falls when the column's cells are shuffled."""

    feature: str
    mean: float
    spread: float


class LearningView(BaseModel):
    """The main metric of fits on fewer rows; the last is the model's own."""

    training_rows: list[int]
    training_score: list[float]
    test_score: list[float]
    metric: str


class CoverageView(BaseModel):
    """How often a calibration on some of the rows covers the others."""

    coverage_nominal: float
    coverage_measured: float
    calibration_rows: int


class ReportRecipeView(BaseModel):
    """What it takes to train the same model again, with the same metrics."""

    data_sha256: str
    spec: dict[str, Any]  # Any: parameters are of many types
    params: dict[str, Any]  # Any: as above
    seed: int
    train_fraction: float
    stratified: bool
    rows: int
    training_rows: int
    calibration_rows: int
    test_rows: int
    versions: dict[str, str]


class ReportView(BaseModel):
    """All that is known of how good a model is, and why; what does not apply to its task is null."""

    model: str
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
