"""Reports on models."""

from datetime import datetime

from farebox.results.base import Result
from farebox.results.datasets import Finding
from farebox.results.models import Candidate

Label = str | int


class Metric(Result):
    """A figure of the test part with its 95 % interval by the bootstrap, beside the baseline's."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    higher_is_better: bool


class ConfusionMatrix(Result):
    """`counts[i][j]`: rows of label i that were taken for label j."""

    labels: list[Label]
    counts: list[list[int]]


class Roc(Result):
    label: Label
    false_positive_rate: list[float]
    true_positive_rate: list[float]
    area: float


class PrecisionRecall(Result):
    label: Label
    precision: list[float]
    recall: list[float]
    average_precision: float


class Calibration(Result):
    """Rows by their predicted probability: its mean, how often it came true, and how many they are."""

    label: Label
    predicted: list[float]
    observed: list[float]
    counts: list[int]


class Residuals(Result):
    """How many labels lie how far above their prediction."""

    edges: list[float]
    counts: list[int]


class PredictedActual(Result):
    """At most 500 test rows."""

    actual: list[float]
    predicted: list[float]


class Importance(Result):
    """How much the main metric falls when the column's cells are shuffled."""

    feature: str
    mean: float
    spread: float


class Learning(Result):
    """The main metric of fits on fewer rows; the last is the model's own."""

    training_rows: list[int]
    training_score: list[float]
    test_score: list[float]
    metric: str


class Coverage(Result):
    """How often a calibration on some of the rows covers the others."""

    coverage_nominal: float
    coverage_measured: float
    calibration_rows: int


class ReportRecipe(Result):
    """What it takes to train the same model again, with the same metrics."""

    data_sha256: str
    spec: dict[str, object]
    params: dict[str, object]
    seed: int
    train_fraction: float
    stratified: bool
    rows: int
    training_rows: int
    calibration_rows: int
    test_rows: int
    versions: dict[str, str]


class Report(Result):
    """All that is known of how good a model is, and why; what does not apply to its task is null."""

    model: str
    type: str
    task: str
    label: str
    created_at: datetime
    verdict: str
    metrics: list[Metric]
    confusion_matrix: ConfusionMatrix | None
    roc: list[Roc] | None
    precision_recall: list[PrecisionRecall] | None
    calibration: list[Calibration] | None
    residuals: Residuals | None
    predicted_actual: PredictedActual | None
    importance: list[Importance]
    learning: Learning | None
    findings: list[Finding]
    intervals: Coverage | None
    leaderboard: list[Candidate] | None
    recipe: ReportRecipe
