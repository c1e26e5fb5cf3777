"""Schemas of reports on models."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from ml_service.datasets.schemas import FindingView
from ml_service.models.schemas import CandidateView, Label


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
