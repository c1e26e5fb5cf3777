"""Decides whether a name and a password belong together, and slows down whoever guesses."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from auth_service.errors import AccountDisabled, TooManyFailures, WrongCredentials
from auth_service.fields import fold
from auth_service.models import User
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.repository import LoginAttemptRepository
from auth_service.secrets.service import RootSecret
from auth_service.users.repository import UserRepository
from kit.database import Database

LONGEST_QUEUE_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.05

log = structlog.stdlib.get_logger()


class PasswordCheck:
    """Opens transactions of its own: an attempt counts although the request that made it is refused."""

    def __init__(self, database: Database, hasher: PasswordHasher, secret: RootSecret) -> None:
        self._database, self._hasher, self._secret = database, hasher, secret

    async def check(self, name: str, password: str) -> User:
        """The user; the same error after the same work for an unknown name and a wrong password."""
        digest = self._secret.digest("login name", fold(name).encode())
        await self._start(digest)
        try:
            user = await self._find(name)
            matches = await self._hasher.verify(password, user.password_hash if user else None)
        except BaseException:
            async with self._attempts() as attempts:
                await attempts.give_up(digest)
            raise
        if user is None or not matches:
            await self._refuse(digest, user)
            raise WrongCredentials
        async with self._attempts() as attempts:
            await attempts.succeed(digest)
        if user.disabled:
            raise AccountDisabled
        await self._upgrade(user, password)
        return user

    async def _start(self, digest: bytes) -> None:
        deadline = time.monotonic() + LONGEST_QUEUE_SECONDS
        while True:
            async with self._attempts() as attempts:
                if await attempts.try_to_start(digest):
                    return
                wait = await attempts.seconds_to_wait(digest)
            if wait > 0 or time.monotonic() > deadline:
                raise TooManyFailures(max(math.ceil(wait), 1))
            # Others are trying this very name; whether there must be a delay depends on how they fare.
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _find(self, name: str) -> User | None:
        async with self._database.read() as session:
            return await UserRepository(session).find_by_name(name)

    async def _refuse(self, digest: bytes, user: User | None) -> None:
        async with self._attempts() as attempts:
            await attempts.fail(digest)
        # An unknown name is not logged: people type their password into the wrong field.
        log.warning("login_failed", user=user.id if user else None)

    async def _upgrade(self, user: User, password: str) -> None:
        if not self._hasher.needs_upgrade(user.password_hash):
            return
        stronger = await self._hasher.hash(password)
        async with self._database.transaction() as session:
            await UserRepository(session).replace_hash(user.id, user.password_hash, stronger)

    @asynccontextmanager
    async def _attempts(self) -> AsyncGenerator[LoginAttemptRepository]:
        async with self._database.transaction() as session:
            yield LoginAttemptRepository(session)
