"""Makes the first administrator."""

import structlog

from auth_service.passwords.hashing import PasswordHasher
from auth_service.settings import AuthSettings
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService

log = structlog.stdlib.get_logger()


class Bootstrap:
    def __init__(self, rows: UserRepository, users: UserService, hasher: PasswordHasher) -> None:
        self._rows, self._users, self._hasher = rows, users, hasher

    async def make_admin(self, settings: AuthSettings) -> None:
        """From ADMIN_EMAIL and ADMIN_PASSWORD, while there is no administrator.

        Somebody who registered that name first becomes one only if ADMIN_PASSWORD is their password:
        a stranger must not be promoted, nor lose the account.
        """
        await self._rows.lock_bootstrap()
        if settings.admin_email is None or settings.admin_password is None or await self._rows.has_admin():
            return
        password = settings.admin_password.get_secret_value()
        user = await self._rows.find_by_name(settings.admin_email)
        if user is None:
            await self._users.register(settings.admin_email, await self._hasher.hash(password), "admin")
        elif await self._hasher.verify(password, user.password_hash):
            await self._users.change(user.id, "admin", disabled=False)
        else:
            log.warning("admin_not_made", reason="ADMIN_EMAIL is somebody's account", user=user.id)
