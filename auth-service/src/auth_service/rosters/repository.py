"""Queries of rosters, and their changes."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import JoinCode, RosterEntry


class SeatRow(NamedTuple):
    entry: RosterEntry
    code: JoinCode | None


class RosterRepository:
    def __init__(self, session: AsyncSession, group_id: int) -> None:
        self._session, self._group_id = session, group_id
        self._in_group = RosterEntry.group_id == group_id

    async def list_all(self) -> Sequence[RosterEntry]:
        statement = select(RosterEntry).where(self._in_group).order_by(RosterEntry.id)
        return (await self._session.scalars(statement)).all()

    async def list_seats(self) -> Sequence[SeatRow]:
        """All entries in the order of the roster, with their personal codes."""
        statement = (
            select(RosterEntry, JoinCode)
            .outerjoin(JoinCode, JoinCode.entry_id == RosterEntry.id)
            .where(self._in_group)
            .order_by(RosterEntry.id)
        )
        return [SeatRow(*row) for row in (await self._session.execute(statement)).all()]

    async def clear_accounts(self, entry_ids: Collection[int]) -> None:
        """Two entries can exchange their accounts only if neither has one in between."""
        cleared = update(RosterEntry).where(self._in_group, RosterEntry.id.in_(entry_ids))
        await self._session.execute(cleared.values(account=None, folded_account=None))

    async def delete(self, entry_ids: Collection[int]) -> None:
        await self._session.execute(delete(RosterEntry).where(self._in_group, RosterEntry.id.in_(entry_ids)))
