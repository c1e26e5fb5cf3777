"""What tokens were spent on."""

from typing import Annotated, Literal

from fastapi import Query

from billing_service.dependencies import UsageRows
from billing_service.usage.models import GroupBy, UsageQuestion
from billing_service.usage.schemas import Moment, UsageReport, UsageView
from kit.app import strict_router
from kit.authentication import Administrator, Reader
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router("/v1", ["wallet"])
Since = Annotated[Moment | None, Query(alias="from", description="from this moment, UTC unless it says so")]
Until = Annotated[Moment | None, Query(alias="to", description="before this moment")]


@router.get("/me/usage", responses=documented(Unauthenticated))
async def show_own_usage(
    caller: Reader,
    usage: UsageRows,
    group_by: Annotated[Literal["day", "action", "model"], Query()] = "day",
    since: Since = None,
    until: Until = None,
) -> UsageReport:
    """What you spent: days newest first, actions and models by tokens; the first 1,000 groups."""
    question = UsageQuestion(group_by, since, until, caller.user_id)
    return UsageReport(items=[UsageView.of(each) for each in await usage.add_up(question)])


@router.get("/usage", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def show_usage(
    _caller: Administrator,
    usage: UsageRows,
    group_by: Annotated[GroupBy, Query()] = "day",
    since: Since = None,
    until: Until = None,
) -> UsageReport:
    """What everyone spent: days newest first, other groups by tokens; the first 1,000 groups."""
    question = UsageQuestion(group_by, since, until)
    return UsageReport(items=[UsageView.of(each) for each in await usage.add_up(question)])
