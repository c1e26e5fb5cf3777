"""Queries of users, and their changes."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import UserNotFound
from auth_service.models import User
from kit.fields import fold_name

BOOTSTRAP_LOCK = 0xAD314


class UserRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: int) -> User:
        user = await self._session.get(User, user_id)
        if user is None:
            raise UserNotFound
        return user

    async def lock(self, user_id: int) -> User:
        """The current row, locked against changes and deletion until the transaction ends."""
        statement = select(User).where(User.id == user_id).with_for_update()
        user = await self._session.scalar(statement, execution_options={"populate_existing": True})
        if user is None:
            raise UserNotFound
        return user

    async def lock_active_admins(self) -> Sequence[int]:
        """Lock all active administrators in id order, so that transactions wait instead of deadlocking."""
        statement = select(User.id).where(*_active_admin()).order_by(User.id).with_for_update(key_share=True)
        return (await self._session.scalars(statement)).all()

    async def lock_bootstrap(self) -> None:
        await self._session.execute(select(func.pg_advisory_xact_lock(BOOTSTRAP_LOCK)))

    async def has_admin(self) -> bool:
        return await self._session.scalar(select(User.id).where(*_active_admin()).limit(1)) is not None

    async def count_active_admins(self) -> int:
        statement = select(func.count()).select_from(User).where(*_active_admin())
        return (await self._session.execute(statement)).scalar_one()

    async def add_unless_taken(self, name: str, password_hash: str, role: str) -> User | None:
        """Insert a user; returns None if the name is taken, also by a concurrent transaction."""
        statement = (
            insert(User)
            .values(
                name=name,
                folded_name=fold_name(name),
                role=role,
                disabled=False,
                generation=0,
                password_hash=password_hash,
            )
            .on_conflict_do_nothing(index_elements=["folded_name"])
            .returning(User)
        )
        return await self._session.scalar(statement)

    async def delete(self, user: User) -> None:
        await self._session.delete(user)
        await self._session.flush()


def _active_admin() -> tuple[ColumnElement[bool], ...]:
    return User.role == "admin", User.disabled.is_(False)
