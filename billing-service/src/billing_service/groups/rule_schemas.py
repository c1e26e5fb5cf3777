"""Request and response schemas of allowance rules and spending limits."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, StrictInt, WithJsonSchema, model_validator

from billing_service.calendar_rules import parse_duration
from billing_service.fields import LARGEST_AMOUNT, Body, Context, Moment
from billing_service.payment_models import Limit
from kit.fields import RowId, Text

MOST_PERIODS_KEPT = 60


def _valid_duration(text: str) -> str:
    parse_duration(text)
    return text


Every = Annotated[
    Text,
    AfterValidator(_valid_duration),
    Field(max_length=20, description="an ISO 8601 duration: P1D, P2W or P1M; also hours, such as PT12H"),
]

# Without an offset, which the format `date-time` of JSON Schema requires.
LocalTime = Annotated[
    datetime,
    WithJsonSchema({"type": "string", "examples": ["2026-11-02T00:00:00"]}),
    Field(description="local time of the group, without an offset"),
]


class NewRule(Body):
    """`keeps`: for how many periods an allowance lasts; with 2, the rest of one can be spent in the next."""

    amount: Annotated[StrictInt, Field(ge=1, le=LARGEST_AMOUNT, description="whole tokens for each member")]
    every: Every
    starts_at: Annotated[Moment | None, Field(description="local time of the group; by default now")] = None
    ends_at: Annotated[Moment | None, Field(description="local time; no allowance outlives it")] = None
    keeps: Annotated[StrictInt, Field(ge=1, le=MOST_PERIODS_KEPT)] = 1

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.starts_at is not None and self.ends_at is not None:
            if (self.starts_at.tzinfo is None) != (self.ends_at.tzinfo is None):
                raise ValueError("starts_at and ends_at must both have an offset, or neither")
            if self.ends_at <= self.starts_at:
                raise ValueError("ends_at must be later than starts_at")
        return self


class RuleChange(Body):
    amount: Annotated[StrictInt, Field(ge=1, le=LARGEST_AMOUNT)] | None = None
    stopped: bool | None = None


class RuleView(BaseModel):
    """`next_at` is the next start of a period, `short_by` what the pool lacks for one that is due."""

    id: int
    amount: int
    every: str
    starts_at: LocalTime
    ends_at: LocalTime | None
    keeps: int
    stopped: bool
    next_at: datetime | None
    short_by: int


class NewLimit(Body):
    """The most tokens of each member, in a context or with an API key; `every: null` is for ever."""

    amount: Annotated[StrictInt, Field(ge=0, le=LARGEST_AMOUNT)]
    every: Every | None = None
    context: Context | None = None
    user_id: RowId | None = None
    api_key_id: RowId | None = None
    starts_at: Annotated[
        Moment | None,
        Field(description="local start of a period; by default midnight, of a Monday or a first"),
    ] = None


class LimitView(BaseModel):
    id: int
    amount: int
    every: str | None
    context: str | None
    user_id: int | None
    api_key_id: int | None
    starts_at: LocalTime

    @classmethod
    def of(cls, limit: Limit) -> Self:
        return cls.model_validate(limit, from_attributes=True)
