"""Queries of groups, memberships and join codes, and their changes."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import AccountGone
from auth_service.models import Group, JoinCode, Membership, RosterEntry, User


class OwnGroup(NamedTuple):
    """A group with the role of the user who sees it; None for an administrator who is not a member."""

    group: Group
    role: str | None


class MembershipRow(NamedTuple):
    membership: Membership
    group: Group
    entry: RosterEntry | None


class MemberRow(NamedTuple):
    membership: Membership
    user: User
    entry: RosterEntry | None


class GroupRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, group: Group) -> None:
        self._session.add(group)
        await self._session.flush()

    async def find(self, group_id: int) -> Group | None:
        return await self._session.get(Group, group_id)

    async def lock(self, group_id: int) -> Group | None:
        """The group, locked until the transaction ends: changes of its members wait for each other."""
        statement = select(Group).where(Group.id == group_id).with_for_update()
        return await self._session.scalar(statement, execution_options={"populate_existing": True})

    async def lock_user(self, user_id: int) -> User:
        """The user, whose concurrent requests wait; raises AccountGone."""
        statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
        user = await self._session.scalar(statement)
        if user is None:
            raise AccountGone
        return user

    async def count_owned(self, user_id: int) -> int:
        owned = (Membership.user_id == user_id, Membership.role == "owner", _is_active())
        return await self._session.scalar(select(func.count()).select_from(Membership).where(*owned)) or 0

    async def list_of(self, user_id: int, before: int, limit: int) -> Sequence[OwnGroup]:
        statement = (
            select(Group, Membership.role)
            .join(Membership, Membership.group_id == Group.id)
            .where(Membership.user_id == user_id, _is_active(), Group.id < before)
            .order_by(Group.id.desc())
            .limit(limit)
        )
        return [OwnGroup(*row) for row in (await self._session.execute(statement)).all()]

    async def list_all(self, user_id: int, before: int, limit: int) -> Sequence[OwnGroup]:
        """All groups; the role is that of this user."""
        is_own = (Membership.group_id == Group.id) & (Membership.user_id == user_id) & _is_active()
        statement = (
            select(Group, Membership.role)
            .outerjoin(Membership, is_own)
            .where(Group.id < before)
            .order_by(Group.id.desc())
            .limit(limit)
        )
        return [OwnGroup(*row) for row in (await self._session.execute(statement)).all()]

    async def list_memberships(self, user_id: int, limit: int) -> Sequence[MembershipRow]:
        """All memberships of a user, ended ones included, with the seats of rosters."""
        seat = (RosterEntry.group_id == Membership.group_id) & (RosterEntry.user_id == Membership.user_id)
        statement = (
            select(Membership, Group, RosterEntry)
            .join(Group, Group.id == Membership.group_id)
            .outerjoin(RosterEntry, seat)
            .where(Membership.user_id == user_id)
            .order_by(Group.id)
            .limit(limit)
        )
        return [MembershipRow(*row) for row in (await self._session.execute(statement)).all()]

    async def list_owned_alone(self, user_id: int) -> Sequence[str]:
        """Names of the groups that have no other owner."""
        other = select(Membership.user_id).where(
            Membership.group_id == Group.id,
            Membership.role == "owner",
            Membership.user_id != user_id,
            _is_active(),
        )
        statement = (
            select(Group.name)
            .join(Membership, Membership.group_id == Group.id)
            .where(Membership.user_id == user_id, Membership.role == "owner", _is_active())
            .where(~other.correlate(Group).exists())
            .order_by(Group.id)
        )
        return (await self._session.scalars(statement)).all()

    async def delete(self, group: Group) -> None:
        await self._session.delete(group)
        await self._session.flush()


class MembershipRepository:
    def __init__(self, session: AsyncSession, group_id: int) -> None:
        self._session, self._group_id = session, group_id
        self._in_group = Membership.group_id == group_id

    async def find(self, user_id: int) -> Membership | None:
        return await self._session.get(Membership, (self._group_id, user_id), populate_existing=True)

    async def count(self) -> int:
        statement = select(func.count()).select_from(Membership).where(self._in_group, _is_active())
        return await self._session.scalar(statement) or 0

    async def count_owners(self) -> int:
        owners = (self._in_group, Membership.role == "owner", _is_active())
        return await self._session.scalar(select(func.count()).select_from(Membership).where(*owners)) or 0

    async def aliases(self) -> set[str]:
        return set((await self._session.scalars(select(Membership.alias).where(self._in_group))).all())

    async def is_alias_taken(self, alias: str, user_id: int) -> bool:
        others = (self._in_group, Membership.user_id != user_id)
        statement = select(Membership.user_id).where(*others, func.lower(Membership.alias) == alias.lower())
        return await self._session.scalar(statement) is not None

    async def list_page(self, before: int, limit: int) -> Sequence[MemberRow]:
        statement = (
            select(Membership, User, RosterEntry)
            .join(User, User.id == Membership.user_id)
            .outerjoin(
                RosterEntry,
                (RosterEntry.group_id == Membership.group_id) & (RosterEntry.user_id == Membership.user_id),
            )
            .where(self._in_group, _is_active(), Membership.user_id < before)
            .order_by(Membership.user_id.desc())
            .limit(limit)
        )
        return [MemberRow(*row) for row in (await self._session.execute(statement)).all()]

    async def add(self, membership: Membership) -> None:
        self._session.add(membership)
        await self._session.flush()


class JoinCodeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, code: JoinCode) -> None:
        self._session.add(code)
        await self._session.flush()

    async def find_usable(self, code: str) -> JoinCode | None:
        usable = (JoinCode.code == code, JoinCode.uses < JoinCode.max_uses, JoinCode.expires_at > func.now())
        return await self._session.scalar(select(JoinCode).where(*usable))

    async def use(self, code: JoinCode) -> bool:
        """False if other requests have taken the last uses."""
        usable = (JoinCode.id == code.id, JoinCode.uses < JoinCode.max_uses, JoinCode.expires_at > func.now())
        statement = update(JoinCode).where(*usable).values(uses=JoinCode.uses + 1).returning(JoinCode.id)
        return await self._session.scalar(statement) is not None

    async def count(self, group_id: int) -> int:
        shared = (JoinCode.group_id == group_id, JoinCode.entry_id.is_(None))
        return await self._session.scalar(select(func.count()).select_from(JoinCode).where(*shared)) or 0

    async def list_of(self, group_id: int, before: int, limit: int) -> Sequence[JoinCode]:
        statement = (
            select(JoinCode)
            .where(JoinCode.group_id == group_id, JoinCode.id < before)
            .order_by(JoinCode.id.desc())
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def delete(self, group_id: int, code_id: int) -> bool:
        statement = delete(JoinCode).where(JoinCode.group_id == group_id, JoinCode.id == code_id)
        return await self._session.scalar(statement.returning(JoinCode.id)) is not None


class SeatRepository:
    """Queries of a roster's entries by those who claim them."""

    def __init__(self, session: AsyncSession, group_id: int) -> None:
        self._session = session
        self._in_group = RosterEntry.group_id == group_id

    async def find(self, entry_id: int) -> RosterEntry | None:
        return await self._session.scalar(
            select(RosterEntry).where(self._in_group, RosterEntry.id == entry_id)
        )

    async def find_claimed(self, user_id: int) -> RosterEntry | None:
        """The entry that this user has claimed."""
        claimed = RosterEntry.user_id == user_id
        return await self._session.scalar(select(RosterEntry).where(self._in_group, claimed))

    async def find_account(self, folded_account: str) -> RosterEntry | None:
        is_expected = RosterEntry.folded_account == folded_account
        return await self._session.scalar(select(RosterEntry).where(self._in_group, is_expected))


def _is_active() -> ColumnElement[bool]:
    return Membership.state == "active"
