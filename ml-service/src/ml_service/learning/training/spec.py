"""What to train: plain values that can be stored and sent to a worker."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml_service.learning.model_types import parse
from ml_service.learning.tables import Kind
from ml_service.learning.training.errors import DuplicateFeature, InvalidSpec, LabelAmongFeatures, NoFeatures

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """One training order. The same order on the same file gives the same model.

    `kinds` are those of columns that are to be read otherwise than they look.
    """

    model_type: str
    features: tuple[str, ...]
    label: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    train_fraction: float = 0.8
    task: Literal["auto", "classification", "regression"] = "auto"
    missing_label: Literal["refuse", "drop"] = "refuse"
    seed: int = 0
    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        return {
            **asdict(self),
            "features": list(self.features),
            "params": dict(self.params),
            "kinds": dict(self.kinds),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrainingSpec":  # Any: JSON
        fields: dict[str, Any] = {**document, "features": tuple(document["features"])}
        return cls(**fields)


def check_alone(spec: TrainingSpec) -> None:
    """Raise for what is wrong with an order whatever the table."""
    parse(spec.model_type, spec.params)
    if not spec.features:
        raise NoFeatures
    seen: set[str] = set()
    for name in spec.features:
        if name in seen:
            raise DuplicateFeature(name)
        seen.add(name)
    if spec.label in seen:
        raise LabelAmongFeatures(spec.label)
    if not (math.isfinite(spec.train_fraction) and 0 < spec.train_fraction < 1):
        raise InvalidSpec("The share of rows to train on must be above 0 and below 1, such as 0.8.")
    if not 0 <= spec.seed <= LARGEST_SEED:
        raise InvalidSpec(f"The seed must be a whole number from 0 to {LARGEST_SEED}.")
