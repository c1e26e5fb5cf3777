"""Requests for trainings, and their specs as they are stored with the job."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Literal

from kit.database import Json
from ml_service.errors import ModelNameUnusable
from ml_service.learning import training
from ml_service.learning.comparison import AUTO, Candidate, ComparisonSpec, plan_comparison
from ml_service.learning.tables import ColumnProfile, TableProfile
from ml_service.learning.tables.header import clean_name
from ml_service.learning.training import RANDOM, SplitMethod, TrainingSpec
from ml_service.learning.training.errors import FitTooLarge, InvalidSpec, ModelTooLarge
from ml_service.learning.training.memory import UNLIMITED, Room, check_room
from ml_service.models.rules import automatic_name, given_name


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a comparison; None is no limit."""

    seconds: int | None = None
    tokens: int | None = None


NO_BUDGET = Budget()
# Members that are left out when they are null.
ABSENT = {"group_id", "challenge_id"}


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The spec for a job's row; `units` is the highest number of trainings to charge."""

    spec: Json
    units: int = 1


@dataclass(frozen=True, slots=True)
class TrainingJobRequest:
    """A training; without `features`, every non-empty column except the label is a feature.

    The dataset of a challenge is named by its own id or by that of the challenge, whose label is the default.
    """

    dataset_id: int
    model_type: str
    label: str
    features: tuple[str, ...] | None = None
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    train_fraction: float = 0.8
    task: Literal["auto", "classification", "regression"] = "auto"
    missing_label: Literal["refuse", "drop"] = "refuse"
    name: str | None = None
    quote_id: str | None = None
    budget: Budget = NO_BUDGET
    split: SplitMethod = RANDOM
    group_id: int | None = None
    challenge_id: int | None = None

    def to_json(self) -> Json:
        """Without a random split and an absent payer: a retry of an older request has its fingerprint."""
        document = {name: value for name, value in asdict(self).items() if name not in ABSENT or value}
        if self.split == RANDOM:
            del document["split"]
        return document

    def to_job_spec(self, profile: TableProfile, room: Room = UNLIMITED) -> JobSpec:
        """Raises the first error that makes the training impossible."""
        spec = self.to_training_spec(profile)
        if self.model_type == AUTO:
            comparison = plan_comparison(profile, spec, self.budget.seconds)
            comparison = _fitting(profile, comparison, room)
            return JobSpec(comparison.to_json(), len(comparison.candidates))
        if self.budget != NO_BUDGET:
            raise InvalidSpec("Only the type auto takes a budget; leave it out or set the type to auto.")
        plan = training.check(profile, spec)
        check_room(profile, spec, plan, room)
        # The job shows the task that was chosen for `auto`.
        return JobSpec(replace(spec, task=plan.task).to_json())

    def to_training_spec(self, profile: TableProfile) -> TrainingSpec:
        request = self._with_names_of(profile)
        others = (column.name for column in profile.columns.values() if request._is_feature(column))
        features = tuple(others) if request.features is None else request.features
        return TrainingSpec(
            model_type=self.model_type,
            features=features,
            label=request.label,
            params=self.params,
            train_fraction=self.train_fraction,
            task=self.task,
            missing_label=self.missing_label,
            reading=profile.reading.only({*features, request.label, request.split.column}),
            split=request.split,
        )

    def _with_names_of(self, profile: TableProfile) -> "TrainingJobRequest":
        """The request with the names of the header, in which blanks and invisible characters do not count."""

        def match(name: str) -> str:
            return name if name in profile.header else clean_name(name)

        column = None if self.split.column is None else match(self.split.column)
        features = None if self.features is None else tuple(map(match, self.features))
        return replace(
            self, label=match(self.label), features=features, split=replace(self.split, column=column)
        )

    def _is_feature(self, column: ColumnProfile) -> bool:
        """Whether a column is a feature of a request without a list of them."""
        group = self.split.column if self.split.by == "group" else None
        return column.name not in (self.label, group) and column.kind != "empty"

    def name_model(self, user_id: int, now: datetime) -> str:
        if self.name is None:
            return automatic_name(user_id, self.model_type, now)
        name = given_name(user_id, self.name)
        if name is None:
            raise ModelNameUnusable
        return name


def _fitting(profile: TableProfile, comparison: ComparisonSpec, room: Room) -> ComparisonSpec:
    """The comparison without the candidates that cannot fit; raises the first refusal if none can."""
    candidates: list[Candidate] = []
    refusals: list[FitTooLarge | ModelTooLarge] = []
    for candidate in comparison.candidates:
        spec = comparison.training(candidate)
        try:
            check_room(profile, spec, training.check(profile, spec), room)
        except (FitTooLarge, ModelTooLarge) as refusal:
            refusals.append(refusal)
        else:
            candidates.append(candidate)
    if refusals and not candidates:
        raise refusals[0]
    return replace(comparison, candidates=tuple(candidates))
