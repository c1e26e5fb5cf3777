"""Queries of the scheduler: allowances that are missing or have ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, literal_column, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.group_models import AllowanceRule, Group, Member
from billing_service.groups.queries import IS_POOL
from billing_service.models import Account

LARGEST_ROUND = 500
IS_ACTIVE = AllowanceRule.state == literal_column("'active'")
IS_REMOVED = Member.state == literal_column("'removed'")


class DueRule(NamedTuple):
    rule: AllowanceRule
    time_zone: str


async def list_due_rules(session: AsyncSession, now: datetime, group_id: int | None) -> Sequence[DueRule]:
    """Active rules that may miss allowances; one whose pool was short waits until it has enough."""
    pool = and_(IS_POOL, Account.group_id == AllowanceRule.group_id)
    has_enough = or_(AllowanceRule.needed == 0, Account.posted - Account.held >= AllowanceRule.needed)
    statement = (
        select(AllowanceRule, Group.time_zone)
        .join(Group, Group.group_id == AllowanceRule.group_id)
        .join(Account, pool)
        .where(IS_ACTIVE, AllowanceRule.next_at <= now, has_enough)
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
    statement = select(Member.group_id, Member.user_id).where(IS_REMOVED, ~Member.is_settled)
    statement = statement.where(*_of_group(Member.group_id, group_id)).limit(LARGEST_ROUND)
    return [(group, user) for group, user in (await session.execute(statement)).all()]


async def settle_members(session: AsyncSession, members: Sequence[tuple[int, int]]) -> None:
    is_one = tuple_(Member.group_id, Member.user_id).in_(members) & (Member.state == "removed")
    await session.execute(update(Member).where(is_one).values(is_settled=True))


async def list_open_pools_of_deleted_groups(session: AsyncSession) -> Sequence[int]:
    pool = and_(IS_POOL, Account.group_id == Group.group_id, Account.expires_at.is_(None))
    statement = select(Group.group_id).join(Account, pool).where(Group.state == "deleted")
    return (await session.scalars(statement.limit(LARGEST_ROUND))).all()


def _of_group(column: Any, group_id: int | None) -> list[Any]:  # Any: SQLAlchemy's expressions
    return [] if group_id is None else [column == group_id]
