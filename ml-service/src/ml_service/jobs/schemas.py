"""Jobs on the wire."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from kit.fields import LARGEST_ID
from ml_service.jobs.models import Job
from ml_service.jobs.orders import NO_BUDGET, Budget, TrainingOrder
from ml_service.jobs.queue_rules import NO_OUTLOOK, Outlook
from ml_service.jobs.rules import JobKind, JobState
from ml_service.models.rules import LONGEST_GIVEN_NAME
from ml_service.models.schemas import BudgetRequest

MOST_FEATURES = 2000
MOST_PARAMETERS = 50
NOTHING_KNOWN: Mapping[int, Outlook] = MappingProxyType({})

ColumnName = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Parameter = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=200)] | None


class TrainingRequest(BaseModel):
    """What to train; without `features` every column but the label is one.

    With a `quote_id` it costs what that quote promised, whatever the price is now. The type `auto` tries all
    types that are right for the task and keeps the best; its `budget` says how much that may take.
    """

    model_config = ConfigDict(extra="forbid")

    dataset_id: Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
    type: Annotated[StrictStr, Field(max_length=50)]
    label: ColumnName
    features: Annotated[list[ColumnName], Field(min_length=1, max_length=MOST_FEATURES)] | None = None
    params: Annotated[dict[str, Parameter], Field(max_length=MOST_PARAMETERS)] = {}
    train_fraction: Annotated[StrictFloat | StrictInt, Field(gt=0, lt=1)] = 0.8
    task: Literal["auto", "classification", "regression"] = "auto"
    missing_label: Literal["refuse", "drop"] = "refuse"
    name: Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_GIVEN_NAME)] | None = None
    quote_id: UUID | None = None
    budget: BudgetRequest | None = None

    def to_order(self) -> TrainingOrder:
        return TrainingOrder(
            dataset_id=self.dataset_id,
            model_type=self.type,
            label=self.label,
            features=tuple(self.features) if self.features is not None else None,
            params=self.params,
            train_fraction=float(self.train_fraction),
            task=self.task,
            missing_label=self.missing_label,
            name=self.name,
            quote_id=str(self.quote_id) if self.quote_id is not None else None,
            budget=Budget(self.budget.seconds, self.budget.tokens) if self.budget is not None else NO_BUDGET,
        )


class JobErrorView(BaseModel):
    code: str
    detail: str


class JobView(BaseModel):
    """`queue_position` is 1 for the job that is begun next; `estimated_seconds` are those until it ends."""

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
    tokens_held: int
    tokens_charged: int
    receipt_id: str | None
    error: JobErrorView | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job, outlooks: Mapping[int, Outlook] = NOTHING_KNOWN) -> "JobView":
        outlook = outlooks.get(job.id, NO_OUTLOOK)
        return cls(
            id=job.id,
            kind=JobKind(job.kind),
            state=job.state,
            model_name=job.model_name,
            dataset_id=job.dataset_id,
            order=job.spec,
            stage=job.stage,
            percent=job.percent,
            attempts=job.attempts,
            cancel_requested=job.cancel_requested_at is not None,
            queue_position=outlook.queue_position,
            estimated_seconds=outlook.estimated_seconds,
            tokens_held=job.tokens_held,
            tokens_charged=job.tokens_charged,
            receipt_id=job.receipt_id,
            error=JobErrorView.model_validate(job.error) if job.error is not None else None,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
        )
