"""Names and roles of wallet owners, and which events taught them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.base import inbox
from billing_service.errors import AccountNotFound
from billing_service.owners.models import Owner
from billing_service.owners.rules import fold


class OwnerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: int) -> Owner:
        owner = await self._session.get(Owner, user_id)
        if owner is None:
            raise AccountNotFound
        return owner

    async def get_by_name(self, name: str) -> Owner:
        owner = (await self._session.scalars(select(Owner).where(Owner.folded_name == fold(name)))).first()
        if owner is None:
            raise AccountNotFound
        return owner

    async def put(self, user_id: int, name: str, role: str, *, disabled: bool) -> None:
        known = {"name": name, "folded_name": fold(name), "role": role, "disabled": disabled}
        statement = insert(Owner).values(user_id=user_id, **known)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=known))

    async def remove(self, user_id: int) -> None:
        await self._session.execute(delete(Owner).where(Owner.user_id == user_id))

    async def list_applied(self, event_ids: Iterable[UUID]) -> set[UUID]:
        statement = select(inbox.c.event_id).where(inbox.c.event_id.in_(list(event_ids)))
        return set((await self._session.scalars(statement)).all())
