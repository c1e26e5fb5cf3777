"""Allowance rules and spending limits of a group, for its owners."""

from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.calendar_rules import default_anchor, parse_duration, to_local
from billing_service.errors import GroupNotFound, LimitNotFound, RuleNotFound, TooManyRules
from billing_service.group_models import AllowanceRule, Group, Limit
from billing_service.groups import queries, rule_queries
from billing_service.groups.endpoints import SchedulerDep
from billing_service.groups.payer_endpoints import ClockDep
from billing_service.groups.rule_queries import RuleOfGroup
from billing_service.groups.scheduler import schedule_of
from billing_service.groups.schemas import LimitView, NewLimit, NewRule, RuleChange, RuleView
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.database import Database, ReadSession, Session
from kit.digests import fingerprint
from kit.errors import Forbidden, IdempotencyKeyReused, InvalidInput, Unauthenticated
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.identity import Caller
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/groups/{group_id}", ["groups"])

REFUSALS = (Unauthenticated, Forbidden, GroupNotFound)


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _shortest_allowance(request: Request) -> int:
    return request.app.state.container.settings.shortest_allowance_seconds


DatabaseDep = Annotated[Database, Depends(_database)]
ShortestAllowance = Annotated[int, Depends(_shortest_allowance)]


@router.post(
    "/allowance-rules",
    status_code=201,
    responses=documented(*REFUSALS, TooManyRules, IdempotencyKeyReused, InvalidInput),
)
async def add_allowance_rule(
    group_id: RowIdInPath,
    rule: NewRule,
    caller: AccountOwner,
    database: DatabaseDep,
    clock: ClockDep,
    scheduler: SchedulerDep,
    shortest: ShortestAllowance,
    response: Response,
    key: IdempotencyKey = None,
) -> RuleView:
    """Issue an allowance to each member, staff included, at the start of each period.

    If the pool has too few tokens for all, nobody gets one, and `short_by` shows the rest; when tokens are
    granted or bought, they are issued.
    """
    if parse_duration(rule.every).seconds < shortest:
        raise InvalidInput(f"An allowance lasts at least {shortest:,} seconds; choose a longer period.")
    now = clock()
    async with database.transaction() as session:
        group = await queries.require_owner(session, group_id, caller)
        values = _columns_of_rule(rule, group, now) | _origin(group_id, caller, key, rule.model_dump())
        added, replayed = await rule_queries.add_rule(session, AllowanceRule, values)
    if replayed:
        response.headers.update(REPLAYED)
    await scheduler.run_soon(group_id)
    async with database.read() as session:
        return _view(await rule_queries.find_rule(session, group_id, added.id), clock())


@router.get("/allowance-rules", responses=documented(*REFUSALS))
async def list_allowance_rules(
    group_id: RowIdInPath, caller: Reader, session: ReadSession, clock: ClockDep, page: RequestedPage
) -> Page[RuleView]:
    """Allowance rules, newest first; for owners and administrators."""
    await _require_reader(session, group_id, caller)
    rows = await rule_queries.list_rules(session, group_id, page.before, page.fetch)
    now = clock()
    return page.page_of(rows, lambda row: _view(row, now), lambda row: row.rule.id)


@router.patch("/allowance-rules/{rule_id}", responses=documented(*REFUSALS, RuleNotFound))
async def change_allowance_rule(
    group_id: RowIdInPath,
    rule_id: RowIdInPath,
    change: RuleChange,
    caller: AccountOwner,
    database: DatabaseDep,
    clock: ClockDep,
    scheduler: SchedulerDep,
) -> RuleView:
    """Change the amount of later allowances, or stop and resume the rule; issued allowances stay."""
    async with database.transaction() as session:
        await queries.require_owner(session, group_id, caller)
        await rule_queries.find_rule(session, group_id, rule_id)
        values: dict[str, Any] = {"next_at": clock(), "needed": 0}  # Any: columns
        if change.amount is not None:
            values["amount"] = change.amount
        if change.stopped is not None:
            values["state"] = "stopped" if change.stopped else "active"
        await rule_queries.change_rule(session, rule_id, values)
    await scheduler.run_soon(group_id)
    async with database.read() as session:
        return _view(await rule_queries.find_rule(session, group_id, rule_id), clock())


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
    group = await queries.require_owner(session, group_id, caller)
    values = _columns_of_limit(limit, group, clock()) | _origin(group_id, caller, key, limit.model_dump())
    added, replayed = await rule_queries.add_rule(session, Limit, values)
    if replayed:
        response.headers.update(REPLAYED)
    return LimitView.of(added)


@router.get("/limits", responses=documented(*REFUSALS))
async def list_limits(
    group_id: RowIdInPath, caller: Reader, session: ReadSession, page: RequestedPage
) -> Page[LimitView]:
    """Spending limits, newest first; for owners and administrators."""
    await _require_reader(session, group_id, caller)
    rows = await rule_queries.list_limits(session, group_id, page.before, page.fetch)
    return page.page_of(rows, LimitView.of, lambda row: row.id)


@router.delete("/limits/{limit_id}", status_code=204, responses=documented(*REFUSALS, LimitNotFound))
async def delete_limit(
    group_id: RowIdInPath, limit_id: RowIdInPath, caller: AccountOwner, session: Session
) -> None:
    """Delete a limit with what was counted for it."""
    await queries.require_owner(session, group_id, caller)
    await rule_queries.delete_limit(session, group_id, limit_id)


async def _require_reader(session: AsyncSession, group_id: int, caller: Caller) -> None:
    if not caller.is_admin:
        await queries.require_owner(session, group_id, caller)
    else:
        await queries.find_group(session, group_id)


def _origin(
    group_id: int, caller: Caller, key: str | None, body: dict[str, Any]
) -> dict[str, Any]:  # Any: columns
    named = f"{caller.user_id}:{key or uuid4().hex}"
    identity = {"group_id": group_id, "created_by": caller.user_id, "key": named}
    return {**identity, "input_hash": fingerprint(group_id, body)}


def _columns_of_rule(rule: NewRule, group: Group, now: datetime) -> dict[str, Any]:  # Any: columns
    zone = ZoneInfo(group.time_zone)
    ends_at = None if rule.ends_at is None else _local(rule.ends_at, zone)
    starts_at = (
        to_local(now, zone).replace(microsecond=0) if rule.starts_at is None else _local(rule.starts_at, zone)
    )
    if ends_at is not None and ends_at <= starts_at:
        raise InvalidInput("A rule ends after its start; choose a later ends_at.")
    times = {"starts_at": starts_at, "ends_at": ends_at, "next_at": now}
    return {"amount": rule.amount, "every": rule.every, "keeps": rule.keeps, **times}


def _columns_of_limit(limit: NewLimit, group: Group, now: datetime) -> dict[str, Any]:  # Any: columns
    zone = ZoneInfo(group.time_zone)
    every = parse_duration(limit.every) if limit.every is not None else None
    anchor = default_anchor(now, every, zone) if limit.starts_at is None else _local(limit.starts_at, zone)
    columns = limit.model_dump(include={"amount", "every", "context", "user_id", "api_key_id"})
    return {**columns, "starts_at": anchor, "time_zone": group.time_zone, "created_at": now}


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo is None else to_local(moment, zone)


def _view(row: RuleOfGroup, now: datetime) -> RuleView:
    rule, stopped = row.rule, row.rule.state == "stopped"
    return RuleView(
        id=rule.id,
        amount=rule.amount,
        every=rule.every,
        starts_at=rule.starts_at,
        ends_at=rule.ends_at,
        keeps=rule.keeps,
        stopped=stopped,
        next_at=None if stopped else schedule_of(rule, row.group.time_zone).next_start(now),
        short_by=max(rule.needed - row.available, 0) if rule.needed else 0,
    )
