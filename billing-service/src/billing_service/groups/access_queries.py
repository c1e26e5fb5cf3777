"""Queries of the rights of a caller in a group."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import GroupNotFound
from billing_service.group_models import Group, Member
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
