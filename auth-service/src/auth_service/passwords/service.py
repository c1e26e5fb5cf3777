"""Password checks, with a growing delay after failed attempts."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
from auth_service.passwords.repository import (
    KnownNetworkRepository,
    LoginAttemptRepository,
    PasswordRepository,
)
from auth_service.tokens.secrets import RootSecret
from kit.database import Database
from kit.fields import fold_name

FREE_FAILURES_OF_NETWORK = 5
# Against guessing from many networks; far above the failures of the users themselves.
FREE_FAILURES_OF_NAME = 300
LONGEST_DELAY_SECONDS = 60
LONGEST_QUEUE_SECONDS = 10.0
RETRY_SECONDS = 0.05

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class FailureCounter:
    """A row that counts failures with one name, and how many are free of a delay."""

    digest: bytes
    free_failures: int

    def delay_after(self, failures: int) -> int:
        """Seconds until the next attempt: 0 for free failures, then 1, 2, 4 and so on, at most 60."""
        if failures < self.free_failures:
            return 0
        return min(2 ** min(failures - self.free_failures, 10), LONGEST_DELAY_SECONDS)


class PasswordCheck:
    """Checks passwords in its own transactions: a failure counts although its request is rolled back.

    Failures count for the name and the client's network, so that nobody can lock others out of an account.
    They also count for the name alone, but a network from which the user has logged in is exempt.
    """

    def __init__(self, database: Database, hasher: PasswordHasher, secret: RootSecret) -> None:
        self._database, self._hasher, self._secret = database, hasher, secret

    async def check(self, name: str, password: str, network: str) -> User:
        """The user with this name and password; an unknown name gives the same error after the same time."""
        counters = await self._counters(name, network)
        await self._start(counters)
        try:
            async with self._database.read() as session:
                user = await PasswordRepository(session).find_user(name)
            matches = await self._hasher.verify(password, user.password_hash if user else None)
        except BaseException:
            await self._abandon(counters)
            raise
        if user is None or not matches:
            await self._record_failure(counters, user)
            raise WrongCredentials
        await self._record_success(counters, user, network)
        # After the password, so that only the owner learns that the account is disabled.
        if user.disabled:
            raise AccountDisabled
        await self._upgrade(user, password)
        return user

    async def check_own(self, user_id: int, password: str, network: str) -> None:
        """Check the password of a logged-in user."""
        async with self._database.read() as session:
            name = await PasswordRepository(session).find_name(user_id)
        if name is None:
            raise AccountGone
        try:
            await self.check(name, password, network)
        except WrongCredentials:
            raise WrongPassword from None

    async def _counters(self, name: str, network: str) -> Sequence[FailureCounter]:
        """The counters that decide about an attempt, in the order in which their rows are locked."""
        folded = fold_name(name)
        # No name contains a space.
        digest = self._secret.digest("login name and network", f"{folded} {network}".encode())
        of_network = FailureCounter(digest, FREE_FAILURES_OF_NETWORK)
        async with self._database.read() as session:
            if await KnownNetworkRepository(session).is_known(name, self._network_digest(network)):
                return [of_network]
        of_name = self._secret.digest("login name in all networks", folded.encode())
        return [of_network, FailureCounter(of_name, FREE_FAILURES_OF_NAME)]

    def _network_digest(self, network: str) -> bytes:
        return self._secret.digest("client network", network.encode())

    async def _start(self, counters: Sequence[FailureCounter]) -> None:
        deadline = time.monotonic() + LONGEST_QUEUE_SECONDS
        while (wait := await self._try_to_start(counters)) is not None:
            if wait > 0 or time.monotonic() > deadline:
                raise TooManyFailures(max(math.ceil(wait), 1))
            # Other attempts with this name are running; their results decide about the delay.
            await asyncio.sleep(RETRY_SECONDS)

    async def _try_to_start(self, counters: Sequence[FailureCounter]) -> float | None:
        """None once all counters have counted the attempt, else the seconds of the delay."""
        async with self._database.transaction() as session:
            attempts = LoginAttemptRepository(session)
            for counter in counters:
                if not await attempts.try_to_start(counter.digest, counter.free_failures):
                    wait = await attempts.seconds_to_wait(counter.digest)
                    await session.rollback()
                    return wait
        return None

    async def _abandon(self, counters: Sequence[FailureCounter]) -> None:
        async with self._database.transaction() as session:
            for counter in counters:
                await LoginAttemptRepository(session).abandon(counter.digest)

    async def _record_failure(self, counters: Sequence[FailureCounter], user: User | None) -> None:
        async with self._database.transaction() as session:
            attempts = LoginAttemptRepository(session)
            for counter in counters:
                delay = counter.delay_after(await attempts.record_failure(counter.digest))
                if delay:
                    await attempts.block(counter.digest, delay)
        # Without the name, because users type passwords into the name field.
        log.warning("login_failed", user=user.id if user else None)

    async def _record_success(self, counters: Sequence[FailureCounter], user: User, network: str) -> None:
        """Forget the network's failures, but not those of the name: they may be someone else's guesses."""
        of_network, *of_name = counters
        async with self._database.transaction() as session:
            attempts = LoginAttemptRepository(session)
            await attempts.record_success(of_network.digest)
            for counter in of_name:
                await attempts.abandon(counter.digest)
            await KnownNetworkRepository(session).remember(user.id, self._network_digest(network))

    async def _upgrade(self, user: User, password: str) -> None:
        """Replace a hash of an older scheme or a lower cost; only a login has the password for it."""
        if not self._hasher.needs_upgrade(user.password_hash):
            return
        stronger = await self._hasher.hash(password)
        async with self._database.transaction() as session:
            await PasswordRepository(session).replace_hash(user.id, user.password_hash, stronger)
