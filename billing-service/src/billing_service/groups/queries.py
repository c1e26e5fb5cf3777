"""Queries of groups and members, as auth-service's events describe them, and of default payers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import GroupNotFound, WalletNotFound
from billing_service.group_models import AllowanceRule, Group, Member
from billing_service.ledger.rows import Allowance, Pool, Wallet
from billing_service.models import Account, Owner
from kit.errors import Forbidden
from kit.identity import Caller

STAFF = ("owner", "assistant")


class Access(NamedTuple):
    """A group as a caller may see it; `role` is null for administrators who are not members."""

    group: Group
    role: str | None

    @property
    def is_staff(self) -> bool:
        return self.role in (*STAFF, None)


async def find_group(session: AsyncSession, group_id: int) -> Group:
    """Raises GroupNotFound."""
    group = await session.get(Group, group_id)
    if group is None or group.state == "deleted":
        raise GroupNotFound
    return group


async def require_member(session: AsyncSession, group_id: int, caller: Caller) -> Access:
    """An active member, or an administrator; raises GroupNotFound for others."""
    group = await find_group(session, group_id)
    role = await _role_of(session, group_id, caller.user_id)
    if role is None and not caller.is_admin:
        raise GroupNotFound
    return Access(group, role)


async def require_owner(session: AsyncSession, group_id: int, caller: Caller) -> Group:
    """Raises GroupNotFound for others than members, and Forbidden for members who are not owners."""
    group = await find_group(session, group_id)
    role = await _role_of(session, group_id, caller.user_id)
    if role is None:
        raise GroupNotFound
    if role != "owner":
        raise Forbidden("Only an owner of the group can do this.")
    return group


async def _role_of(session: AsyncSession, group_id: int, user_id: int) -> str | None:
    own = select(Member.role).where(
        Member.group_id == group_id, Member.user_id == user_id, Member.state == "active"
    )
    return (await session.scalars(own)).first()


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
    # As text: a parameter in the condition would not match the index once PostgreSQL plans for all values.
    is_pool = text("kind = 'pool'")
    await session.execute(pool.on_conflict_do_nothing(index_elements=["group_id"], index_where=is_pool))


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


async def remove_user(session: AsyncSession, user_id: int) -> None:
    """A deleted user leaves all groups."""
    members = update(Member).where(Member.user_id == user_id)
    await session.execute(members.values(state="removed", is_settled=False))


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
    is_own = (Account.kind == "pool") | ((Account.member_id == user_id) & Account.closed_at.is_(None))
    statement = select(Account).where((Account.owner_id == user_id) | (of_group & is_own))
    return {row.id: _fund_of(row) for row in (await session.scalars(statement)).all()}


async def sum_funds(
    session: AsyncSession, group_id: int, kind: str, member_id: int | None = None
) -> tuple[int, int]:
    """Tokens and held tokens of the group's pool, or of its open allowances, of all or of one member."""
    sums = (func.coalesce(func.sum(column), 0) for column in (Account.posted, Account.held))
    is_meant = Account.member_id == member_id if member_id is not None else true()
    statement = select(*sums).where(
        Account.kind == kind, Account.group_id == group_id, Account.closed_at.is_(None), is_meant
    )
    tokens, held = (await session.execute(statement)).one()
    return int(tokens), int(held)


def _fund_of(row: Account) -> Wallet:
    balance = (row.id, row.owner_id or row.member_id or 0, row.posted, row.held, row.closed_at)
    if row.kind == "pool":
        return Pool(*balance, row.group_id or 0, row.expires_at)
    if row.kind == "allowance":
        return Allowance(*balance, row.group_id or 0, row.expires_at, row.rule_id or 0, row.period or 0)
    return Wallet(*balance)
