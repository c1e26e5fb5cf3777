"""What is told about a trained model."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from ml_service.learning.model_types import Task

LIBRARIES = ("scikit-learn", "numpy", "pandas", "pyarrow", "treelite")


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """JSON all through; `files` says the SHA-256 of each file of the model."""

    model_type: str
    task: Task
    label: str
    classes: list[str | int]
    params: dict[str, Any]  # Any: JSON
    metrics: dict[str, float | None]
    baseline: dict[str, float | None]
    features: list[dict[str, Any]]  # Any: JSON
    example: dict[str, Any]  # Any: JSON
    rows: int
    training_rows: int
    test_rows: int
    stratified: bool
    warnings: list[str]
    verdict: str
    versions: dict[str, str]
    spec: dict[str, Any]  # Any: JSON
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        return asdict(self)


def library_versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}
