"""Queries of allowance rules and spending limits, and of the scheduler's work."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import and_, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import LimitNotFound, RuleNotFound, TooManyRules
from billing_service.group_models import AllowanceRule, Group, Member
from billing_service.groups.queries import IS_POOL
from billing_service.models import Account
from billing_service.payment_models import Limit
from kit.errors import IdempotencyKeyReused

MOST_RULES = 50
IS_ACTIVE = AllowanceRule.state == literal_column("'active'")
IS_REMOVED = Member.state == literal_column("'removed'")
LARGEST_ROUND = 500

Row = TypeVar("Row", AllowanceRule, Limit)


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
    pool = and_(IS_POOL, Account.group_id == AllowanceRule.group_id)
    return (
        select(AllowanceRule, Group, Account.posted - Account.held)
        .join(Group, Group.group_id == AllowanceRule.group_id)
        .join(Account, pool)
        .where(*conditions)
    )


async def change_rule(session: AsyncSession, rule_id: int, values: Mapping[str, Any]) -> None:  # Any: columns
    await session.execute(update(AllowanceRule).where(AllowanceRule.id == rule_id).values(dict(values)))


async def list_limits(session: AsyncSession, group_id: int, before: int, limit: int) -> Sequence[Limit]:
    """Spending limits, newest first."""
    statement = select(Limit).where(Limit.group_id == group_id, Limit.id < before)
    return (await session.scalars(statement.order_by(Limit.id.desc()).limit(limit))).all()


async def delete_limit(session: AsyncSession, group_id: int, limit_id: int) -> None:
    """Delete the limit with its usage; raises LimitNotFound."""
    statement = delete(Limit).where(Limit.id == limit_id, Limit.group_id == group_id).returning(Limit.id)
    if (await session.execute(statement)).first() is None:
        raise LimitNotFound
