"""Queries of groups and members, as auth-service's events describe them, and of default payers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal_column, select, true, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import WalletNotFound
from billing_service.group_models import AllowanceRule, Group, Member
from billing_service.ledger.rows import Allowance, Pool, Wallet
from billing_service.models import Account, Owner

# As text: PostgreSQL plans a prepared statement for all values after its fifth use, and a parameter would not
# match the condition of an index then.
IS_POOL, IS_ALLOWANCE = (Account.kind == literal_column(f"'{kind}'") for kind in ("pool", "allowance"))


async def save_group(
    session: AsyncSession, group_id: int, values: Mapping[str, str], pays_from: Sequence[str]
) -> None:
    """Insert the group with its pool, or change it; a deleted one stays deleted."""
    statement = insert(Group).values(group_id=group_id, pays_from=list(pays_from), **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["group_id"], set_=dict(values), where=Group.state != "deleted"
        )
    )
    pool = insert(Account).values(kind="pool", group_id=group_id)
    await session.execute(pool.on_conflict_do_nothing(index_elements=["group_id"], index_where=IS_POOL))


async def delete_group(session: AsyncSession, group_id: int) -> None:
    """Mark the group as deleted and all its members as removed; the ledger keeps its history."""
    await session.execute(update(Group).where(Group.group_id == group_id).values(state="deleted"))
    members = update(Member).where(Member.group_id == group_id)
    await session.execute(members.values(state="removed", is_settled=False))
    await session.execute(update(Owner).where(Owner.default_group == group_id).values(default_group=None))


async def save_member(
    session: AsyncSession, member: tuple[int, int], values: Mapping[str, str], occurred_at: datetime
) -> None:
    """Insert or change a membership, given by group and user; who returns is active since then."""
    group_id, user_id = member
    changed = {**values, "is_settled": False}
    statement = insert(Member).values(group_id=group_id, user_id=user_id, active_since=occurred_at, **changed)
    stays = (Member.state == "active") & (statement.excluded.state == "active")
    since = case((stays, Member.active_since), else_=statement.excluded.active_since)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["group_id", "user_id"], set_={**changed, "active_since": since}
        )
    )
    if values["state"] == "removed":
        is_default = (Owner.user_id == user_id) & (Owner.default_group == group_id)
        await session.execute(update(Owner).where(is_default).values(default_group=None))


async def remove_user(session: AsyncSession, user_id: int) -> Sequence[int]:
    """A deleted user leaves all groups, which are returned."""
    members = update(Member).where(Member.user_id == user_id).values(state="removed", is_settled=False)
    return (await session.scalars(members.returning(Member.group_id))).all()


async def make_rules_due(session: AsyncSession, group_id: int, now: datetime) -> None:
    """Let the scheduler look for allowances that are missing."""
    active = update(AllowanceRule).where(AllowanceRule.group_id == group_id, AllowanceRule.state == "active")
    await session.execute(active.values(next_at=now, needed=0))


async def set_default_group(session: AsyncSession, user_id: int, group_id: int | None) -> None:
    """Raises WalletNotFound for a user without an event so far."""
    statement = update(Owner).where(Owner.user_id == user_id).values(default_group=group_id)
    if (await session.execute(statement.returning(Owner.user_id))).first() is None:
        raise WalletNotFound


async def get_default_group(session: AsyncSession, user_id: int) -> int | None:
    return (await session.scalars(select(Owner.default_group).where(Owner.user_id == user_id))).first()


async def list_funds(session: AsyncSession, user_id: int, group_id: int | None) -> dict[int, Wallet]:
    """The user's wallet, and with a group its pool and the user's open allowances."""
    of_group = Account.group_id == group_id if group_id is not None else ~true()
    is_own = IS_ALLOWANCE & (Account.member_id == user_id) & Account.closed_at.is_(None)
    conditions = (Account.owner_id == user_id, of_group & IS_POOL, of_group & is_own)
    # One index for each of the conditions; an OR over them would read all accounts.
    ids = union_all(*(select(Account.id).where(condition) for condition in conditions))
    statement = select(Account).where(Account.id.in_(ids))
    return {row.id: _fund_of(row) for row in (await session.scalars(statement)).all()}


async def sum_funds(
    session: AsyncSession, group_id: int, is_kind: ColumnElement[bool], member_id: int | None = None
) -> tuple[int, int]:
    """Tokens and held tokens of the group's pool, or of its open allowances, of all or of one member."""
    tokens, held = (func.coalesce(func.sum(column), 0) for column in (Account.posted, Account.held))
    is_meant = Account.member_id == member_id if member_id is not None else true()
    is_open = Account.closed_at.is_(None)
    statement = select(tokens, held).where(is_kind, Account.group_id == group_id, is_open, is_meant)
    row = (await session.execute(statement)).one()
    return int(row[0]), int(row[1])


def _fund_of(row: Account) -> Wallet:
    balance = (row.id, row.owner_id or row.member_id or 0, row.posted, row.held, row.closed_at)
    if row.kind == "pool":
        return Pool(*balance, row.group_id or 0, row.expires_at)
    if row.kind == "allowance":
        return Allowance(*balance, row.group_id or 0, row.expires_at, row.rule_id or 0, row.period or 0)
    return Wallet(*balance)
