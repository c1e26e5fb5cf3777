"""Jobs: work that takes time and runs in the background."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.models import Candidate

Kind = Literal["train", "batch", "split", "score"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobError(Result):
    """The reason for a job's failure."""

    code: str
    detail: str


class Comparison(Result):
    """The progress of a running comparison: the candidates that run, by name, and the numbers of others.

    `left` counts candidates that run or will run.
    """

    running: list[str]
    finished: int
    left: int
    of: int


class Job(Result):
    """A training or a batch of predictions, queued, running or ended; or work on a challenge.

    `queue_position` is 1 for the job that starts next. `estimated_seconds` until the end come from similar
    jobs, or from the finished candidates of a comparison, and are None without any. `group_id` is the
    group that pays.
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
    comparison: Comparison | None = None
    tokens_held: int
    tokens_charged: int
    receipt_id: str | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    group_id: int | None = None
    challenge_id: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.state not in {"queued", "running"}


class JobEvent(Result):
    """An event of a job; `kind` is `stage` while the job runs, and the final state at its end.

    A comparison has a `candidate` event at the start and the end of each candidate, with its `number`, the
    names of those `running` then, and the numbers of those `finished` and `left`. An event that announces a
    retry has its `attempt`, the last one that may follow in `of`, and the `reason`.
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
    running: list[str] | None = None
    finished: int | None = None
    left: int | None = None
    seconds_left: float | None = None
    attempt: int | None = None
    reason: str | None = None

    def __str__(self) -> str:
        """A line for `on_progress=print`."""
        name = self.stage or self.kind
        if self.candidate is not None:
            name = f"{self.candidate.title} {self.number}/{self.of} {self.candidate.state}"
        return name if self.percent is None else f"{name} {self.percent}%"
