"""Schemas of challenges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from kit.fields import LARGEST_ID, RowId, storable_text
from ml_service.challenge_errors import TimeWithoutOffset
from ml_service.challenge_orm import Challenge, ChallengePart
from ml_service.challenges.rules import ChallengeState, Moments, state_at
from ml_service.jobs.rules import context_of
from ml_service.learning.challenges.metric_rules import LOWER_IS_BETTER, MetricName

MOST_SLOTS = 10_000
LONGEST_TITLE, LONGEST_REASON, LONGEST_COLUMN = 200, 500, 200


def with_offset(moment: datetime) -> datetime:
    """The moment in UTC; raises TimeWithoutOffset, as nobody can know which zone is meant."""
    if moment.tzinfo is None:
        raise TimeWithoutOffset
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(with_offset)]
Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TITLE, strip_whitespace=True),
    AfterValidator(storable_text),
]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_REASON, strip_whitespace=True),
    AfterValidator(storable_text),
]
Column = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_COLUMN), AfterValidator(storable_text)
]
Share = Annotated[StrictFloat, Field(ge=0.01, le=0.9)]
Slots = Annotated[StrictInt, Field(ge=1, le=MOST_SLOTS)]
Tokens = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]


class StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HoldoutRequest(StrictBody):
    """The split: by a `column` with the values train, public and private, or by shares.

    `holdout_share` is the share of hidden rows, `public_share` that of public rows among them.
    """

    column: Column | None = None
    holdout_share: Share | None = None
    public_share: Share | None = None

    @model_validator(mode="after")
    def check_one_way(self) -> Self:
        shares = [share for share in (self.holdout_share, self.public_share) if share is not None]
        if (self.column is None and len(shares) < 2) or (self.column is not None and shares):
            raise ValueError("must have either a column or both shares")
        return self


class ChallengeRequest(StrictBody):
    title: Title
    dataset_id: RowId | None = Field(default=None, description="your own; needed before the publication")
    label: Column
    split: HoldoutRequest
    metric: MetricName
    opens_at: Moment
    closes_at: Moment
    slots_per_day: Slots = 5
    slots_total: Slots = 100
    late: Literal["refuse", "unranked"] = "refuse"
    token_limit: Tokens | None = Field(default=None, description="shown to members; owners set it as a limit")

    @model_validator(mode="after")
    def check_times(self) -> Self:
        if self.opens_at >= self.closes_at:
            raise ValueError("must close after it opens")
        return self


class ChallengeChange(StrictBody):
    """Changes; after the publication only the title, and while it is open a later `closes_at`."""

    title: Title | None = None
    dataset_id: RowId | None = None
    label: Column | None = None
    split: HoldoutRequest | None = None
    metric: MetricName | None = None
    opens_at: Moment | None = None
    closes_at: Moment | None = None
    slots_per_day: Slots | None = None
    slots_total: Slots | None = None
    late: Literal["refuse", "unranked"] | None = None
    token_limit: Tokens | None = None


class PartRows(BaseModel):
    train: int
    public: int
    private: int


class ExtensionView(BaseModel):
    """A later end: the times before and after, and when it was decided."""

    closed_at: datetime
    closes_at: datetime
    extended_at: datetime


class ChallengeView(BaseModel):
    """A challenge; `dataset_id` is the one to train on, `source_id` the owner's own, which staff see.

    `commitment` is the SHA-256 of salt and digests of the hidden parts as hexadecimal digits with colons
    between them; the salt and the digests are shown at the end. `now` is the time by which the state follows.
    """

    id: int
    group_id: int
    title: str
    state: ChallengeState
    now: datetime
    dataset_id: int | None
    source_id: int | None
    label: str
    split: dict[str, Any]  # Any: a column, or shares
    metric: str
    lower_is_better: bool
    opens_at: datetime
    closes_at: datetime
    extensions: list[ExtensionView]
    slots_per_day: int
    slots_total: int
    late: str
    token_limit: int | None
    context: str
    revision: int
    publish_job_id: int | None
    rows: PartRows | None
    commitment: str | None
    salt: str | None
    digests: dict[str, str] | None


def moments_of(challenge: Challenge) -> Moments:
    return Moments(challenge.opens_at, challenge.closes_at, challenge.published_at, challenge.finalised_at)


@dataclass(frozen=True, slots=True)
class ShownChallenge:
    """A challenge at a time, with its parts by name; staff are owners and assistants."""

    challenge: Challenge
    now: datetime
    parts: Mapping[str, ChallengePart]
    dataset_id: int | None
    is_staff: bool


def view_of(shown: ShownChallenge) -> ChallengeView:
    challenge, now, parts, is_staff = shown.challenge, shown.now, shown.parts, shown.is_staff
    state = state_at(moments_of(challenge), now)
    is_final = state is ChallengeState.FINAL
    hidden = {name: part.sha256.hex() for name, part in parts.items() if name != "train"}
    return ChallengeView(
        id=challenge.id,
        group_id=challenge.group_id,
        title=challenge.title,
        state=state,
        now=now,
        dataset_id=shown.dataset_id,
        source_id=challenge.source_id if is_staff else None,
        label=challenge.label,
        split=challenge.split,
        metric=challenge.metric,
        lower_is_better=challenge.metric in LOWER_IS_BETTER,
        opens_at=challenge.opens_at,
        closes_at=challenge.closes_at,
        extensions=[ExtensionView.model_validate(each) for each in challenge.extensions],
        slots_per_day=challenge.slots_per_day,
        slots_total=challenge.slots_total,
        late=challenge.late,
        token_limit=challenge.token_limit,
        context=context_of(challenge.id),
        revision=challenge.revision,
        publish_job_id=challenge.publish_job_id if is_staff else None,
        rows=PartRows(**{name: part.rows for name, part in parts.items()}) if parts else None,
        commitment=challenge.commitment.hex() if challenge.commitment else None,
        salt=challenge.salt.hex() if is_final and challenge.salt else None,
        digests=hidden if is_final else None,
    )
