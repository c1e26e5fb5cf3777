"""Queries of allowance rules and spending limits, and of the scheduler's work."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import LimitNotFound, RuleNotFound, TooManyRules
from billing_service.group_models import AllowanceRule, Group, Limit, Member
from billing_service.models import Account
from kit.errors import IdempotencyKeyReused

MOST_RULES = 50
LARGEST_ROUND = 500

Row = TypeVar("Row", AllowanceRule, Limit)


class DueRule(NamedTuple):
    rule: AllowanceRule
    time_zone: str


class RuleOfGroup(NamedTuple):
    """A rule with its group, and the tokens that the pool has for it."""

    rule: AllowanceRule
    group: Group
    available: int


async def add_rule(
    session: AsyncSession,
    model: type[Row],
    values: Mapping[str, Any],  # Any: columns
) -> tuple[Row, bool]:
    """Insert a rule or a limit; returns it with True if its key was replayed.

    Raises IdempotencyKeyReused and TooManyRules.
    """
    group_id = values["group_id"]
    # Counted under the lock of the group, so that concurrent requests cannot exceed the limit.
    await session.execute(select(Group).where(Group.group_id == group_id).with_for_update())
    stored = select(model).where(model.group_id == group_id, model.key == values["key"])
    if (first := (await session.scalars(stored)).first()) is not None:
        if first.input_hash != values["input_hash"]:
            raise IdempotencyKeyReused
        return first, True
    count = select(func.count()).select_from(model).where(model.group_id == group_id)
    if model is AllowanceRule:
        count = count.where(AllowanceRule.state == "active")
    if (await session.execute(count)).scalar_one() >= MOST_RULES:
        raise TooManyRules(MOST_RULES)
    added = insert(model).values(dict(values)).returning(model)
    return (await session.scalars(added)).one(), False


async def find_rule(session: AsyncSession, group_id: int, rule_id: int) -> RuleOfGroup:
    """Raises RuleNotFound."""
    row = (
        await session.execute(_rules(AllowanceRule.id == rule_id, AllowanceRule.group_id == group_id))
    ).first()
    if row is None:
        raise RuleNotFound
    return RuleOfGroup(*row)


async def list_rules(session: AsyncSession, group_id: int, before: int, limit: int) -> Sequence[RuleOfGroup]:
    """Allowance rules, newest first."""
    statement = _rules(AllowanceRule.group_id == group_id, AllowanceRule.id < before)
    rows = await session.execute(statement.order_by(AllowanceRule.id.desc()).limit(limit))
    return [RuleOfGroup(*row) for row in rows.all()]


async def list_active_rules(session: AsyncSession, group_id: int) -> Sequence[AllowanceRule]:
    is_active = (AllowanceRule.group_id == group_id) & (AllowanceRule.state == "active")
    return (await session.scalars(select(AllowanceRule).where(is_active))).all()


def _rules(*conditions: Any) -> Any:  # Any: SQLAlchemy's expressions
    pool = and_(Account.kind == "pool", Account.group_id == AllowanceRule.group_id)
    return (
        select(AllowanceRule, Group, Account.posted - Account.held)
        .join(Group, Group.group_id == AllowanceRule.group_id)
        .join(Account, pool)
        .where(*conditions)
    )


async def change_rule(session: AsyncSession, rule_id: int, values: Mapping[str, Any]) -> None:  # Any: columns
    await session.execute(update(AllowanceRule).where(AllowanceRule.id == rule_id).values(dict(values)))


async def list_due_rules(session: AsyncSession, now: datetime, group_id: int | None) -> Sequence[DueRule]:
    """Active rules that may miss allowances; one whose pool was short waits until it has enough."""
    pool = and_(Account.kind == "pool", Account.group_id == AllowanceRule.group_id)
    has_enough = or_(AllowanceRule.needed == 0, Account.posted - Account.held >= AllowanceRule.needed)
    statement = (
        select(AllowanceRule, Group.time_zone)
        .join(Group, Group.group_id == AllowanceRule.group_id)
        .join(Account, pool)
        .where(AllowanceRule.state == "active", AllowanceRule.next_at <= now, has_enough)
        .where(Group.state == "active", *_of_group(AllowanceRule.group_id, group_id))
        .order_by(AllowanceRule.next_at, AllowanceRule.id)
        .limit(LARGEST_ROUND)
    )
    return [DueRule(*row) for row in (await session.execute(statement)).all()]


async def plan_rule(
    session: AsyncSession, rule: AllowanceRule, next_at: datetime | None, needed: int
) -> None:
    """Store the next time of the rule, unless it was made due again meanwhile."""
    unchanged = (AllowanceRule.id == rule.id) & (AllowanceRule.next_at == rule.next_at)
    await session.execute(update(AllowanceRule).where(unchanged).values(next_at=next_at, needed=needed))


async def list_ended_funds(
    session: AsyncSession, now: datetime, group_id: int | None
) -> Sequence[tuple[int, int]]:
    """Ids and groups of ended allowances and pools that can be emptied or closed."""
    is_due = or_(Account.posted > Account.held, Account.held == 0)
    statement = (
        select(Account.id, Account.group_id)
        .where(Account.expires_at <= now, Account.closed_at.is_(None), is_due)
        .where(*_of_group(Account.group_id, group_id))
        .order_by(Account.id)
        .limit(LARGEST_ROUND)
    )
    return [(account, group or 0) for account, group in (await session.execute(statement)).all()]


async def list_unsettled_members(session: AsyncSession, group_id: int | None) -> Sequence[tuple[int, int]]:
    """Groups and users of removed members whose allowances have not been returned."""
    statement = select(Member.group_id, Member.user_id).where(Member.state == "removed", ~Member.is_settled)
    statement = statement.where(*_of_group(Member.group_id, group_id)).limit(LARGEST_ROUND)
    return [(group, user) for group, user in (await session.execute(statement)).all()]


async def settle_members(session: AsyncSession, members: Sequence[tuple[int, int]]) -> None:
    is_one = tuple_(Member.group_id, Member.user_id).in_(members) & (Member.state == "removed")
    await session.execute(update(Member).where(is_one).values(is_settled=True))


async def list_open_pools_of_deleted_groups(session: AsyncSession) -> Sequence[int]:
    pool = and_(Account.kind == "pool", Account.group_id == Group.group_id, Account.expires_at.is_(None))
    statement = select(Group.group_id).join(Account, pool).where(Group.state == "deleted")
    return (await session.scalars(statement.limit(LARGEST_ROUND))).all()


async def list_limits(session: AsyncSession, group_id: int, before: int, limit: int) -> Sequence[Limit]:
    """Spending limits, newest first."""
    statement = select(Limit).where(Limit.group_id == group_id, Limit.id < before)
    return (await session.scalars(statement.order_by(Limit.id.desc()).limit(limit))).all()


async def delete_limit(session: AsyncSession, group_id: int, limit_id: int) -> None:
    """Delete the limit with its usage; raises LimitNotFound."""
    statement = delete(Limit).where(Limit.id == limit_id, Limit.group_id == group_id).returning(Limit.id)
    if (await session.execute(statement)).first() is None:
        raise LimitNotFound


def _of_group(column: Any, group_id: int | None) -> list[Any]:  # Any: SQLAlchemy's expressions
    return [] if group_id is None else [column == group_id]
