"""Jobs: long work that is followed rather than waited for."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.models import Candidate

Kind = Literal["train", "batch"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobError(Result):
    """Why a job failed."""

    code: str
    detail: str


class Job(Result):
    """A training or a batch of predictions under way, or how it ended.

    `queue_position` is 1 for the one that is begun next; `estimated_seconds` are those until it ends, from
    what jobs like it took, and None where that is not known.
    """

    id: int
    kind: Kind
    state: State
    model_name: str
    dataset_id: int | None
    order: dict[str, object]
    stage: str | None
    percent: int
    attempts: int
    cancel_requested: bool
    queue_position: int | None
    estimated_seconds: float | None
    tokens_held: int
    tokens_charged: int
    receipt_id: str | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def has_ended(self) -> bool:
        return self.state not in {"queued", "running"}


class JobEvent(Result):
    """Something that happened to a job; `kind` is `stage` while it goes on, and its last state at its end.

    Of a comparison, `candidate` events tell how the one of this `number` does.
    """

    id: str
    kind: str
    at: datetime | None = None
    stage: str | None = None
    percent: int | None = None
    code: str | None = None
    detail: str | None = None
    candidate: Candidate | None = None
    number: int | None = None
    of: int | None = None
