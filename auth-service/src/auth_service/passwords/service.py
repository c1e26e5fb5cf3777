"""Password checks, with a growing delay after failed attempts."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from auth_service.errors import (
    AccountDisabled,
    AccountGone,
    TooManyFailures,
    WrongCredentials,
    WrongPassword,
)
from auth_service.models import User
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.repository import LoginAttemptRepository, PasswordRepository
from auth_service.tokens.secrets import RootSecret
from kit.database import Database
from kit.fields import fold_name

FREE_FAILURES = 5
LONGEST_DELAY_SECONDS = 60
LONGEST_QUEUE_SECONDS = 10.0
RETRY_SECONDS = 0.05

log = structlog.stdlib.get_logger()


def delay_after(failures: int) -> int:
    """Seconds until the next attempt: 0 for the first failures, then 1, 2, 4 and so on, at most 60."""
    if failures < FREE_FAILURES:
        return 0
    return min(2 ** min(failures - FREE_FAILURES, 10), LONGEST_DELAY_SECONDS)


class PasswordCheck:
    """Checks passwords in its own transactions: a failure counts although its request is rolled back."""

    def __init__(self, database: Database, hasher: PasswordHasher, secret: RootSecret) -> None:
        self._database, self._hasher, self._secret = database, hasher, secret

    async def check(self, name: str, password: str) -> User:
        """The user with this name and password; an unknown name gives the same error after the same time."""
        digest = self._secret.digest("login name", fold_name(name).encode())
        await self._start(digest)
        try:
            async with self._database.read() as session:
                user = await PasswordRepository(session).find_user(name)
            matches = await self._hasher.verify(password, user.password_hash if user else None)
        except BaseException:
            async with self._attempts() as attempts:
                await attempts.abandon(digest)
            raise
        if user is None or not matches:
            await self._record_failure(digest, user)
            raise WrongCredentials
        async with self._attempts() as attempts:
            await attempts.record_success(digest)
        # After the password, so that only the owner learns that the account is disabled.
        if user.disabled:
            raise AccountDisabled
        await self._upgrade(user, password)
        return user

    async def check_own(self, user_id: int, password: str) -> None:
        """Check the password of a logged-in user."""
        async with self._database.read() as session:
            name = await PasswordRepository(session).find_name(user_id)
        if name is None:
            raise AccountGone
        try:
            await self.check(name, password)
        except WrongCredentials:
            raise WrongPassword from None

    async def _start(self, digest: bytes) -> None:
        deadline = time.monotonic() + LONGEST_QUEUE_SECONDS
        while True:
            async with self._attempts() as attempts:
                if await attempts.try_to_start(digest, FREE_FAILURES):
                    return
                wait = await attempts.seconds_to_wait(digest)
            if wait > 0 or time.monotonic() > deadline:
                raise TooManyFailures(max(math.ceil(wait), 1))
            # Other attempts with this name are running; their results decide about the delay.
            await asyncio.sleep(RETRY_SECONDS)

    async def _record_failure(self, digest: bytes, user: User | None) -> None:
        async with self._attempts() as attempts:
            delay = delay_after(await attempts.record_failure(digest))
            if delay:
                await attempts.block(digest, delay)
        # Without the name, because users type passwords into the name field.
        log.warning("login_failed", user=user.id if user else None)

    async def _upgrade(self, user: User, password: str) -> None:
        """Replace a hash of an older scheme or a lower cost; only a login has the password for it."""
        if not self._hasher.needs_upgrade(user.password_hash):
            return
        stronger = await self._hasher.hash(password)
        async with self._database.transaction() as session:
            await PasswordRepository(session).replace_hash(user.id, user.password_hash, stronger)

    @asynccontextmanager
    async def _attempts(self) -> AsyncGenerator[LoginAttemptRepository]:
        async with self._database.transaction() as session:
            yield LoginAttemptRepository(session)
