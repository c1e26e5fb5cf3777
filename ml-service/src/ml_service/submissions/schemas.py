"""Schemas of submissions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from kit.fields import RowId
from ml_service.challenge_orm import PrivateScore, PublicScore, Submission
from ml_service.challenges.request_schemas import Reason, StrictBody
from ml_service.learning.challenges.metric_rules import round_to_error
from ml_service.submissions.rules import MOST_SELECTED

LONGEST_MODEL_NAME = 200


class SubmissionRequest(StrictBody):
    model: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MODEL_NAME)]


class SelectionRequest(StrictBody):
    """The submissions whose better private score counts; without any, that of the best public score."""

    submissions: Annotated[list[RowId], Field(max_length=MOST_SELECTED)]


class VoidRequest(StrictBody):
    reason: Reason


class IntervalView(BaseModel):
    low: float
    high: float


class SubmissionView(BaseModel):
    """A submission; `public_score` is rounded to its standard error, and there once it is scored.

    `final_score` and its 95% `interval` on the private rows are there once the challenge is final.
    `model` is null after the deletion of the account. `slots_left` is in the answer to a submission.
    """

    id: int
    challenge_id: int
    entrant: str
    model: str | None
    state: Literal["accepted", "scored", "void"]
    accepted_at: datetime
    late: bool
    selected: bool
    job_id: int | None
    artefact_sha256: str
    revision: int
    public_score: float | None
    final_score: float | None = None
    interval: IntervalView | None = None
    void_reason: str | None
    slots_left: int | None = None


@dataclass(frozen=True, slots=True)
class ScoredSubmission:
    """A submission with the scores that its reader may see, in the revision of the boards."""

    submission: Submission
    entrant: str
    revision: int
    public: PublicScore | None = None
    private: PrivateScore | None = None
    slots_left: int | None = None
    replayed: bool = False


def view_of(scored: ScoredSubmission) -> SubmissionView:
    submission, public, private = scored.submission, scored.public, scored.private
    is_scored = submission.state == "scored"
    interval = None
    if private is not None and private.low is not None and private.high is not None:
        interval = IntervalView(low=private.low, high=private.high)
    return SubmissionView(
        id=submission.id,
        challenge_id=submission.challenge_id,
        entrant=scored.entrant,
        model=submission.model_name,
        state=submission.state,  # pyright: ignore[reportArgumentType] - as the table's CHECK allows
        accepted_at=submission.accepted_at,
        late=submission.late,
        selected=submission.selected,
        job_id=submission.job_id,
        artefact_sha256=submission.artefact_sha256.hex(),
        revision=scored.revision,
        public_score=round_to_error(public.score, public.error) if is_scored and public else None,
        final_score=private.score if is_scored and private else None,
        interval=interval if is_scored else None,
        void_reason=submission.void_reason,
        slots_left=scored.slots_left,
    )
