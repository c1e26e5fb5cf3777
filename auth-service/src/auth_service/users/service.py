"""Decides what may happen to accounts."""

import structlog

from auth_service.errors import LastAdmin, NameTaken, OwnAccount, UserNotFound
from auth_service.models import User
from auth_service.tokens.revocations import Revocations
from auth_service.users.events import UserEvents
from auth_service.users.repository import UserRepository
from kit.identity import Role

log = structlog.stdlib.get_logger()


class UserService:
    def __init__(self, rows: UserRepository, revocations: Revocations, events: UserEvents) -> None:
        self._rows, self._revocations, self._events = rows, revocations, events

    async def register(self, name: str, password_hash: str, role: Role = "user") -> User:
        user = await self._rows.add_unless_taken(name, password_hash, role)
        if user is None:
            raise NameTaken
        await self._events.created(user)
        log.info("user_registered", user=user.id, role=role)
        return user

    async def get(self, user_id: int) -> User:
        user = await self._rows.find(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def show_as(self, user_id: int, display_name: str | None) -> User:
        user = await self._lock(user_id)
        user.display_name = display_name
        return user

    async def set_password(self, user_id: int, password_hash: str) -> User:
        """Ends every session and token of the user; API keys stay."""
        user = await self._lock(user_id)
        user.password_hash = password_hash
        await self._end_tokens(user)
        log.info("password_changed", user=user.id)
        return user

    async def change(self, user_id: int, role: Role | None, disabled: bool | None) -> User:
        """A changed role or a disabled account ends the user's tokens."""
        admins = await self._rows.lock_working_admins()
        user = await self._lock(user_id)
        before = (user.role, user.disabled)
        user.role = role or user.role
        user.disabled = user.disabled if disabled is None else disabled
        if (user.role, user.disabled) == before:
            return user
        if not user.is_working_admin and list(admins) == [user.id]:
            raise LastAdmin
        await self._end_tokens(user)
        await self._events.changed(user)
        log.info("user_changed", user=user.id, role=user.role, disabled=user.disabled)
        return user

    async def delete_other(self, user_id: int, administrator: int) -> User:
        if user_id == administrator:
            raise OwnAccount
        return await self.delete(user_id)

    async def delete(self, user_id: int) -> User:
        admins = await self._rows.lock_working_admins()
        user = await self._lock(user_id)
        if list(admins) == [user.id]:
            raise LastAdmin
        await self._end_tokens(user)
        await self._rows.delete(user)
        await self._events.deleted(user.id)
        log.info("user_deleted", user=user.id)
        return user

    async def _lock(self, user_id: int) -> User:
        user = await self._rows.lock(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def _end_tokens(self, user: User) -> None:
        user.generation += 1
        await self._revocations.of_user(user.id, user.generation)
