"""Usage on the wire."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from billing_service.usage.models import Usage


def _in_utc(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("must lie between the years 2000 and 2200")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class UsageView(BaseModel):
    """`group` is a day, an action, a model or a user's id; it is null for work that was for no model."""

    group: str | None
    requests: int
    tokens: int

    @classmethod
    def of(cls, usage: Usage) -> "UsageView":
        return cls(group=usage.group, requests=usage.requests, tokens=usage.tokens)


class UsageReport(BaseModel):
    items: list[UsageView]
    next_page_token: None = None
