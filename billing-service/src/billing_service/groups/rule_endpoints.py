"""Allowance rules of a group, for its owners."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response

from billing_service.calendar_rules import parse_duration, to_local
from billing_service.errors import RuleNotFound, TooManyRules
from billing_service.group_models import AllowanceRule, Group
from billing_service.groups import rule_queries
from billing_service.groups.access_queries import require_owner
from billing_service.groups.endpoints import SchedulerDep
from billing_service.groups.limit_endpoints import REFUSALS, local, origin, require_reader
from billing_service.groups.payer_endpoints import ClockDep
from billing_service.groups.rule_queries import RuleOfGroup
from billing_service.groups.rule_schemas import NewRule, RuleChange, RuleView
from billing_service.groups.scheduler import schedule_of
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.database import Database, ReadSession
from kit.errors import IdempotencyKeyReused, InvalidInput
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/groups/{group_id}", ["groups"])


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
        group = await require_owner(session, group_id, caller)
        values = _columns_of_rule(rule, group, now) | origin(group_id, caller, key, rule.model_dump())
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
    await require_reader(session, group_id, caller)
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
        await require_owner(session, group_id, caller)
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


def _columns_of_rule(rule: NewRule, group: Group, now: datetime) -> dict[str, Any]:  # Any: columns
    zone = ZoneInfo(group.time_zone)
    ends_at = None if rule.ends_at is None else local(rule.ends_at, zone)
    starts_at = (
        to_local(now, zone).replace(microsecond=0) if rule.starts_at is None else local(rule.starts_at, zone)
    )
    if ends_at is not None and ends_at <= starts_at:
        raise InvalidInput("A rule ends after its start; choose a later ends_at.")
    times = {"starts_at": starts_at, "ends_at": ends_at, "next_at": now}
    return {"amount": rule.amount, "every": rule.every, "keeps": rule.keeps, **times}


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
