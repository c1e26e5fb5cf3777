"""Reports on models."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.datasets import Finding
from farebox.results.models import Candidate

Label = str | int


class Metric(Result):
    """A metric on the test rows with its 95% confidence interval, and the baseline's value."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    higher_is_better: bool


class ConfusionMatrix(Result):
    """`counts[i][j]`: rows of class i predicted as class j."""

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
    """Bins of rows by predicted probability: its mean, the observed frequency, and the counts.

    `low` and `high` are the 95% confidence interval of the observed frequency; older reports have none.
    """

    label: Label
    predicted: list[float]
    observed: list[float]
    counts: list[int]
    low: list[float] | None = None
    high: list[float] | None = None


class Residuals(Result):
    """A histogram of the labels minus their predictions."""

    edges: list[float]
    counts: list[int]


class PredictedActual(Result):
    """Labels and predictions of at most 500 test rows."""

    actual: list[float]
    predicted: list[float]


class Importance(Result):
    """The drop of the main metric when the column's cells are shuffled."""

    feature: str
    mean: float
    spread: float


class Learning(Result):
    """The learning curve: the main metric of fits on more and more rows; the last fit is the model's own.

    All are scored on the same `test_rows`; None in older reports.
    """

    training_rows: list[int]
    training_score: list[float]
    test_score: list[float]
    metric: str
    test_rows: int | None = None


class Coverage(Result):
    """The coverage of the intervals, measured on rows that were not used for calibration."""

    coverage_nominal: float
    coverage_measured: float
    calibration_rows: int


class ReportSplit(Result):
    """The choice of test rows; the fields of another kind of split are None.

    `training_until` and `test_from` are the last time of the training rows and the first of the test rows.
    """

    by: Literal["random", "time", "group"] = "random"
    column: str | None = None
    training_until: str | float | None = None
    test_from: str | float | None = None
    training_groups: int | None = None
    test_groups: int | None = None


class ReportRecipe(Result):
    """Everything needed to train the same model again, with the same metrics."""

    data_sha256: str
    spec: dict[str, object]
    params: dict[str, object]
    seed: int
    train_fraction: float
    stratified: bool
    split: ReportSplit = ReportSplit()
    rows: int
    training_rows: int
    calibration_rows: int
    test_rows: int
    versions: dict[str, str]


class Report(Result):
    """The report on a model; a field that does not apply to the task is None.

    Metrics are of all test rows; all else is of at most `evaluated_rows`, drawn from them at random.
    """

    model: str
    evaluated_rows: int
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
