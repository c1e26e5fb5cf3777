"""Spending limits of a group, for its owners."""

from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.calendar_rules import default_anchor, parse_duration, to_local
from billing_service.errors import GroupNotFound, LimitNotFound, TooManyRules
from billing_service.group_models import Group
from billing_service.groups import rule_queries
from billing_service.groups.access_queries import find_group, require_owner
from billing_service.groups.payer_endpoints import ClockDep
from billing_service.groups.rule_schemas import LimitView, NewLimit
from billing_service.payment_models import Limit
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.database import ReadSession, Session
from kit.digests import fingerprint
from kit.errors import Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.identity import Caller
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/groups/{group_id}", ["groups"])

REFUSALS = (Unauthenticated, Forbidden, GroupNotFound)


@router.post("/limits", status_code=201, responses=documented(*REFUSALS, TooManyRules, IdempotencyKeyReused))
async def add_limit(
    group_id: RowIdInPath,
    limit: NewLimit,
    caller: AccountOwner,
    session: Session,
    clock: ClockDep,
    response: Response,
    key: IdempotencyKey = None,
) -> LimitView:
    """Limit the tokens that each member, or one, spends in a period; work from now on counts."""
    group = await require_owner(session, group_id, caller)
    values = _columns_of_limit(limit, group, clock()) | origin(group_id, caller, key, limit.model_dump())
    added, replayed = await rule_queries.add_rule(session, Limit, values)
    if replayed:
        response.headers.update(REPLAYED)
    return LimitView.of(added)


@router.get("/limits", responses=documented(*REFUSALS))
async def list_limits(
    group_id: RowIdInPath, caller: Reader, session: ReadSession, page: RequestedPage
) -> Page[LimitView]:
    """Spending limits, newest first; for owners and administrators."""
    await require_reader(session, group_id, caller)
    rows = await rule_queries.list_limits(session, group_id, page.before, page.fetch)
    return page.page_of(rows, LimitView.of, lambda row: row.id)


@router.delete("/limits/{limit_id}", status_code=204, responses=documented(*REFUSALS, LimitNotFound))
async def delete_limit(
    group_id: RowIdInPath, limit_id: RowIdInPath, caller: AccountOwner, session: Session
) -> None:
    """Delete a limit with what was counted for it."""
    await require_owner(session, group_id, caller)
    await rule_queries.delete_limit(session, group_id, limit_id)


async def require_reader(session: AsyncSession, group_id: int, caller: Caller) -> None:
    """Owners and administrators read the rules of a group; raises GroupNotFound and Forbidden."""
    if not caller.is_admin:
        await require_owner(session, group_id, caller)
    else:
        await find_group(session, group_id)


def origin(
    group_id: int, caller: Caller, key: str | None, body: dict[str, Any]
) -> dict[str, Any]:  # Any: columns
    """The columns of a rule or limit that name its request."""
    named = f"{caller.user_id}:{key or uuid4().hex}"
    identity = {"group_id": group_id, "created_by": caller.user_id, "key": named}
    return {**identity, "input_hash": fingerprint(group_id, body)}


def _columns_of_limit(limit: NewLimit, group: Group, now: datetime) -> dict[str, Any]:  # Any: columns
    zone = ZoneInfo(group.time_zone)
    every = parse_duration(limit.every) if limit.every is not None else None
    anchor = default_anchor(now, every, zone) if limit.starts_at is None else local(limit.starts_at, zone)
    columns = limit.model_dump(include={"amount", "every", "context", "user_id", "api_key_id"})
    return {**columns, "starts_at": anchor, "time_zone": group.time_zone, "created_at": now}


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo is None else to_local(moment, zone)
