"""Schemas of requests about challenges."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

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
from ml_service.learning.challenges.metric_rules import MetricName

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
