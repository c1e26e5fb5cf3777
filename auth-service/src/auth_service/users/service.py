"""Users: register, change and delete, with their revocations and events."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.api_keys import service as api_keys
from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.errors import LastAdmin, LastOwner, NameTaken, OwnAccount
from auth_service.events import UserEvents
from auth_service.groups import service as groups
from auth_service.groups.repository import GroupRepository
from auth_service.models import User
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.repository import PasswordRepository
from auth_service.settings import AuthSettings
from auth_service.tokens.revocations import Revocations
from auth_service.users.repository import UserRepository
from kit.idempotency import FirstAnswers
from kit.identity import Role

log = structlog.stdlib.get_logger()


class UserService:
    def __init__(self, revocations: Revocations, events: UserEvents, answers: FirstAnswers) -> None:
        self._revocations, self._events, self._answers = revocations, events, answers

    async def register(self, session: AsyncSession, name: str, password_hash: str) -> User:
        user, event_id = await self._create(session, name, password_hash, "user")
        self._events.wait_for_wallet(session, event_id)
        return user

    async def create_first_admin(
        self, session: AsyncSession, settings: AuthSettings, hasher: PasswordHasher
    ) -> None:
        """Create or promote ADMIN_EMAIL with ADMIN_PASSWORD while there is no administrator.

        An existing account with that name is promoted only if ADMIN_PASSWORD is its password: it may belong
        to a stranger, who must not be promoted or lose the account.
        """
        repository = UserRepository(session)
        await repository.lock_bootstrap()
        if settings.admin_email is None or settings.admin_password is None or await repository.has_admin():
            return
        password = settings.admin_password.get_secret_value()
        user = await PasswordRepository(session).find_user(settings.admin_email)
        if user is None:
            # No wait for the wallet here, because the relay starts later.
            await self._create(session, settings.admin_email, await hasher.hash(password), "admin")
        elif await hasher.verify(password, user.password_hash):
            await self.change(session, user.id, "admin", disabled=False)
        else:
            log.warning("admin_not_created", reason="ADMIN_EMAIL is another user's account", user=user.id)

    async def set_display_name(self, session: AsyncSession, user_id: int, name: str | None) -> User:
        user = await UserRepository(session).lock(user_id)
        user.display_name = name
        return user

    async def set_password(
        self, session: AsyncSession, user_id: int, password_hash: str, *, revoke_api_keys: bool
    ) -> None:
        """Set the password; all sessions and access tokens of the user end."""
        user = await UserRepository(session).lock(user_id)
        user.password_hash = password_hash
        # Tokens of API keys belong to the old generation, too; without its key no new one is issued.
        await self._end_tokens(session, user)
        revoked = await ApiKeyRepository(session).delete_all(user.id) if revoke_api_keys else 0
        log.info("password_changed", user=user.id, api_keys_revoked=revoked)

    async def change(
        self, session: AsyncSession, user_id: int, role: Role | None, disabled: bool | None
    ) -> User:
        """Change role or state; an effective change revokes the user's tokens."""
        repository = UserRepository(session)
        # Locked before the user, so that two administrators cannot demote each other at the same time.
        admins = await repository.lock_active_admins()
        user = await repository.lock(user_id)
        before = (user.role, user.disabled)
        user.role = role or user.role
        user.disabled = user.disabled if disabled is None else disabled
        if (user.role, user.disabled) == before:
            return user
        if not user.is_active_admin and list(admins) == [user.id]:
            raise LastAdmin
        await self._end_tokens(session, user)
        await self._events.changed(session, user)
        log.info("user_changed", user=user.id, role=user.role, disabled=user.disabled)
        return user

    async def delete_other(self, session: AsyncSession, user_id: int, administrator: int) -> None:
        if user_id == administrator:
            raise OwnAccount
        await self.delete(session, user_id)

    async def delete_own(self, session: AsyncSession, user_id: int) -> None:
        """Delete one's own account; a group would have no owner afterwards."""
        if names := await GroupRepository(session).list_owned_alone(user_id):
            raise LastOwner(*names)
        await self.delete(session, user_id)

    async def delete(self, session: AsyncSession, user_id: int) -> None:
        repository = UserRepository(session)
        admins = await repository.lock_active_admins()
        user = await repository.lock(user_id)
        if list(admins) == [user.id]:
            raise LastAdmin
        await self._end_tokens(session, user)
        await repository.delete(user)
        await self._answers.delete_scopes(
            session, [api_keys.answers_scope(user.id), groups.answers_scope(user.id)]
        )
        await self._events.deleted(session, user.id)
        log.info("user_deleted", user=user.id)

    async def _create(
        self, session: AsyncSession, name: str, password_hash: str, role: Role
    ) -> tuple[User, UUID]:
        user = await UserRepository(session).add_unless_taken(name, password_hash, role)
        if user is None:
            raise NameTaken
        event_id = await self._events.created(session, user)
        log.info("user_registered", user=user.id, role=role)
        return user, event_id

    async def _end_tokens(self, session: AsyncSession, user: User) -> None:
        # Sessions need no deletion: a session of an older generation cannot be refreshed.
        user.generation += 1
        await self._revocations.revoke_user(session, user.id, user.generation)
