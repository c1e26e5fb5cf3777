"""Schemas of jobs: a training request, and a job for its owner."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from kit.fields import RowId
from ml_service.jobs.estimate_rules import NO_ESTIMATE, QueueEstimate
from ml_service.jobs.rules import JobKind, JobState
from ml_service.jobs.specs import NO_BUDGET, Budget, TrainingJobRequest
from ml_service.learning.training import RANDOM, SplitMethod
from ml_service.learning.training.spec import SplitBy
from ml_service.models.rules import LONGEST_GIVEN_NAME
from ml_service.models.schemas import BudgetRequest
from ml_service.orm import Job, JobEvent

MAX_FEATURES = 2000
MAX_PARAMETERS = 50
# The dataset of a request that names a challenge.
NO_DATASET = 0
NO_COMPARISONS: Mapping[int, JobEvent] = MappingProxyType({})
NO_ESTIMATES: Mapping[int, QueueEstimate] = MappingProxyType({})

ColumnName = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Parameter = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=200)] | None


class SplitRequest(BaseModel):
    """The choice of test rows: `random`; `time`, the latest by a column of dates or numbers; or `group`.

    Rows with equal cells in the column of a `group` split, such as those of one person, are all in one part.
    """

    model_config = ConfigDict(extra="forbid", title="Split")

    by: SplitBy = "random"
    column: ColumnName | None = Field(default=None, description="The column of a split by time or group.")


class TrainingRequest(BaseModel):
    """A training to start; without `features`, every column except the label is a feature.

    The column of a split by group is no feature then, because new groups have other values in it.

    With a `quote_id` it costs the price of that quote, whatever the current price is. The type `auto`
    compares all types that suit the task and keeps the best model; its `budget` limits seconds and tokens.

    With a `challenge_id` it trains on the challenge's dataset and, by default, its label; its group pays.
    """

    model_config = ConfigDict(extra="forbid")

    dataset_id: RowId | None = None
    challenge_id: RowId | None = None
    type: Annotated[StrictStr, Field(max_length=50)]
    label: ColumnName | None = None
    features: Annotated[list[ColumnName], Field(min_length=1, max_length=MAX_FEATURES)] | None = None
    params: Annotated[dict[str, Parameter], Field(max_length=MAX_PARAMETERS)] = {}
    train_fraction: Annotated[StrictFloat | StrictInt, Field(gt=0, lt=1)] = 0.8
    task: Literal["auto", "classification", "regression"] = "auto"
    missing_label: Literal["refuse", "drop"] = "refuse"
    name: Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_GIVEN_NAME)] | None = None
    quote_id: UUID | None = None
    budget: BudgetRequest | None = None
    split: SplitRequest | None = None

    @model_validator(mode="after")
    def check_names_a_table(self) -> Self:
        if (self.dataset_id is None) == (self.challenge_id is None):
            raise ValueError("send either dataset_id or challenge_id")
        if self.label is None and self.challenge_id is None:
            raise ValueError("send the label of the dataset")
        return self

    def to_job_request(self) -> TrainingJobRequest:
        return TrainingJobRequest(
            dataset_id=self.dataset_id or NO_DATASET,
            challenge_id=self.challenge_id,
            model_type=self.type,
            label=self.label or "",
            features=tuple(self.features) if self.features is not None else None,
            params=self.params,
            train_fraction=float(self.train_fraction),
            task=self.task,
            missing_label=self.missing_label,
            name=self.name,
            quote_id=str(self.quote_id) if self.quote_id is not None else None,
            budget=Budget(self.budget.seconds, self.budget.tokens) if self.budget is not None else NO_BUDGET,
            split=SplitMethod(self.split.by, self.split.column) if self.split is not None else RANDOM,
        )


class JobErrorView(BaseModel):
    code: str
    detail: str


class ComparisonView(BaseModel):
    """The progress of a running comparison: the candidates that run, by name, and the numbers of others.

    `left` counts candidates that run or will run, as far as the budget of tokens goes.
    """

    running: list[str]
    finished: int
    left: int
    of: int

    @classmethod
    def of_event(cls, event: JobEvent | None) -> "ComparisonView | None":
        """None before the first candidate, and for an event of an older version."""
        return cls.model_validate(event.data) if event is not None and "left" in event.data else None


class JobView(BaseModel):
    """A job; `queue_position` is 1 for the next to start, `estimated_seconds` is the time until it ends."""

    id: int
    kind: JobKind
    state: JobState
    model_name: str
    dataset_id: int | None
    order: dict[str, Any]  # Any: parameters are of many types
    stage: str | None
    percent: int
    attempts: int
    cancel_requested: bool
    queue_position: int | None
    estimated_seconds: float | None
    comparison: ComparisonView | None = None
    tokens_held: int
    tokens_charged: int
    receipt_id: str | None
    group_id: int | None = None
    challenge_id: int | None = None
    error: JobErrorView | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(
        cls,
        job: Job,
        estimates: Mapping[int, QueueEstimate] = NO_ESTIMATES,
        comparisons: Mapping[int, JobEvent] = NO_COMPARISONS,
    ) -> "JobView":
        estimate, event = estimates.get(job.id, NO_ESTIMATE), comparisons.get(job.id)
        return cls(
            id=job.id,
            kind=JobKind(job.kind),
            state=JobState(job.state),
            model_name=job.model_name,
            dataset_id=job.dataset_id,
            order=job.spec,
            stage=job.stage,
            percent=job.percent,
            attempts=job.attempts,
            cancel_requested=job.cancel_requested_at is not None,
            queue_position=estimate.queue_position,
            estimated_seconds=_seconds_left(event) or estimate.estimated_seconds,
            comparison=ComparisonView.of_event(event),
            tokens_held=job.tokens_held,
            tokens_charged=job.tokens_charged,
            receipt_id=job.receipt_id,
            group_id=job.group_id,
            challenge_id=job.challenge_id,
            error=JobErrorView.model_validate(job.error) if job.error is not None else None,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
        )


def _seconds_left(event: JobEvent | None) -> float | None:
    """The rest of a comparison by its newest event, at least one second."""
    left = None if event is None else event.data.get("seconds_left")
    if event is None or left is None:
        return None
    return max(1.0, left - (datetime.now(UTC) - event.at).total_seconds())
