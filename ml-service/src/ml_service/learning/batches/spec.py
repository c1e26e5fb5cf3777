"""Spec of a batch job, as it is stored with the job and read by the worker."""

from dataclasses import asdict, dataclass
from typing import Any

from ml_service.learning.predictors import PredictionOptions


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """The rows of a file and the results wanted; the price is for each started `per_units` rows."""

    rows: int
    per_units: int
    probabilities: bool
    coverage: float | None

    @property
    def options(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        return asdict(self)
