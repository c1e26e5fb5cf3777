"""Training spec in plain values, for storage and for workers."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml_service.learning.tables import DETECTED, ColumnReading, Json, Reading
from ml_service.learning.training.errors import DuplicateFeature, InvalidSpec, LabelAmongFeatures, NoFeatures

LARGEST_SEED = 2**32 - 1

SplitBy = Literal["random", "time", "group"]


@dataclass(frozen=True, slots=True)
class SplitMethod:
    """The choice of test rows: at random, the latest ones, or whole groups of rows with equal cells."""

    by: SplitBy = "random"
    column: str | None = None

    def check(self, label: str) -> None:
        """Raise for faults that are detectable without a table."""
        if self.by == "random" and self.column is not None:
            raise InvalidSpec("A random split takes no column; leave it out, or split by time or group.")
        if self.by != "random" and self.column is None:
            raise InvalidSpec(f"A split by {self.by} needs a column; name it.")
        if self.column == label:
            raise InvalidSpec("The label cannot be the column of the split; choose another.")


RANDOM = SplitMethod()


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """The same spec on the same file gives the same model; `reading` has the settings of its columns."""

    model_type: str
    features: tuple[str, ...]
    label: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    train_fraction: float = 0.8
    task: Literal["auto", "classification", "regression"] = "auto"
    missing_label: Literal["refuse", "drop"] = "refuse"
    seed: int = 0
    reading: Reading = DETECTED
    split: SplitMethod = RANDOM

    @property
    def columns(self) -> set[str]:
        split = set() if self.split.column is None else {self.split.column}
        return {*self.features, self.label} | split

    def to_json(self) -> Json:
        return {
            **asdict(self),
            "features": list(self.features),
            "params": dict(self.params),
            "reading": self.reading.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrainingSpec":  # Any: JSON
        """Specs of earlier versions have corrected types of columns for a reading, and no split."""
        split = SplitMethod(**document.get("split", {}))
        fields: Json = {**document, "features": tuple(document["features"]), "split": split}
        kinds: Mapping[str, Any] = fields.pop("kinds", {})  # Any: JSON
        types = {name: ColumnReading(type=kind) for name, kind in kinds.items()}
        given = fields.get("reading")
        fields["reading"] = Reading(columns=types) if given is None else Reading.from_json(given)
        return cls(**fields)

    def check_columns(self) -> None:
        """Raise for faults that are detectable without a table."""
        if not self.features:
            raise NoFeatures
        seen: set[str] = set()
        for name in self.features:
            if name in seen:
                raise DuplicateFeature(name)
            seen.add(name)
        if self.label in seen:
            raise LabelAmongFeatures(self.label)
        self.split.check(self.label)
        if not (math.isfinite(self.train_fraction) and 0 < self.train_fraction < 1):
            raise InvalidSpec("The share of rows to train on must be above 0 and below 1, such as 0.8.")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InvalidSpec(f"The seed must be a whole number from 0 to {LARGEST_SEED}.")
