"""Usage of a context by user, for the other services; the gateway does not route it."""

from datetime import datetime

from pydantic import BaseModel

from billing_service.fields import Body, Context
from billing_service.statements.queries import sum_context_by_user
from kit.app import strict_router
from kit.authentication import CallingService
from kit.database import ReadSession
from kit.fields import RowId

router = strict_router("/internal", ["between services"])


class ContextQuery(Body):
    group_id: RowId
    context: Context
    until: datetime


class UserTokens(BaseModel):
    user_id: int
    tokens: int


class ContextUsage(BaseModel):
    items: list[UserTokens]


@router.post("/contexts/usage", include_in_schema=False)
async def sum_context(query: ContextQuery, _caller: CallingService, session: ReadSession) -> ContextUsage:
    """The tokens that each user has paid in a group's context before a time, net of refunds."""
    rows = await sum_context_by_user(session, query.group_id, query.context, query.until)
    return ContextUsage(items=[UserTokens(user_id=user_id, tokens=tokens) for user_id, tokens in rows])
