"""Password checks, slowed down after failed attempts."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from auth_service.errors import AccountDisabled, TooManyFailures, WrongCredentials
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
    """Seconds until the next attempt: none at first, then 1, 2, 4 and so on up to a minute."""
    if failures < FREE_FAILURES:
        return 0
    return min(2 ** min(failures - FREE_FAILURES, 10), LONGEST_DELAY_SECONDS)


class PasswordCheck:
    """Opens its own transactions: an attempt counts although its request is refused."""

    def __init__(self, database: Database, hasher: PasswordHasher, secret: RootSecret) -> None:
        self._database, self._hasher, self._secret = database, hasher, secret

    async def check(self, name: str, password: str) -> User:
        """The user; the same error after the same work for an unknown name and a wrong password."""
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
        # After the password, so that strangers cannot find out which accounts are disabled.
        if user.disabled:
            raise AccountDisabled
        await self._upgrade(user, password)
        return user

    async def _start(self, digest: bytes) -> None:
        deadline = time.monotonic() + LONGEST_QUEUE_SECONDS
        while True:
            async with self._attempts() as attempts:
                if await attempts.try_to_start(digest, FREE_FAILURES):
                    return
                wait = await attempts.seconds_to_wait(digest)
            if wait > 0 or time.monotonic() > deadline:
                raise TooManyFailures(max(math.ceil(wait), 1))
            # Other attempts at this name are running; their results decide whether there is a delay.
            await asyncio.sleep(RETRY_SECONDS)

    async def _record_failure(self, digest: bytes, user: User | None) -> None:
        async with self._attempts() as attempts:
            delay = delay_after(await attempts.record_failure(digest))
            if delay:
                await attempts.block(digest, delay)
        # An unknown name is not logged: people type their password into the wrong field.
        log.warning("login_failed", user=user.id if user else None)

    async def _upgrade(self, user: User, password: str) -> None:
        """Replace a hash of an older scheme or a lower cost while the password is known."""
        if not self._hasher.needs_upgrade(user.password_hash):
            return
        stronger = await self._hasher.hash(password)
        async with self._database.transaction() as session:
            await PasswordRepository(session).replace_hash(user.id, user.password_hash, stronger)

    @asynccontextmanager
    async def _attempts(self) -> AsyncGenerator[LoginAttemptRepository]:
        async with self._database.transaction() as session:
            yield LoginAttemptRepository(session)
