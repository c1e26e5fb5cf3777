"""Queries of groups and their members."""

from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from kit.identity import UserId
from ml_service.challenge_orm import Group, Member


class Membership(NamedTuple):
    """A group with the role of one of its active members."""

    group: Group
    role: str


class GroupRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_membership(self, user_id: UserId, group_id: int) -> Membership | None:
        """The group of an active member; None for all others."""
        statement = (
            select(Group, Member.role)
            .join(Member, Member.group_id == Group.group_id)
            .where(Group.group_id == group_id, Member.user_id == user_id, Member.state == "active")
        )
        row = (await self._session.execute(statement)).first()
        return None if row is None else Membership(*row)

    async def save_group(self, values: Json) -> None:
        statement = insert(Group).values(values)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=[Group.group_id], set_=values)
        )

    async def save_member(self, values: Json) -> None:
        statement = insert(Member).values(values)
        keys = [Member.group_id, Member.user_id]
        await self._session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    async def delete_group(self, group_id: int) -> None:
        """Delete the group with its members and challenges; the sweeper deletes their files."""
        await self._session.execute(delete(Member).where(Member.group_id == group_id))
        await self._session.execute(delete(Group).where(Group.group_id == group_id))
