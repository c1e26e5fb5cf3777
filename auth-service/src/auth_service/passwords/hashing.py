"""Password hashing in a thread pool: bcrypt releases the interpreter's lock."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from passlib.context import CryptContext
from prometheus_client import Counter

from auth_service.errors import HashingBusy
from auth_service.settings import AuthSettings

VERIFICATIONS = Counter("farebox_password_verifications_total", "Passwords compared with a hash")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class PasswordHasher:
    def __init__(self, settings: AuthSettings) -> None:
        # Plain bcrypt ignores all bytes after the 72nd; only imported accounts have such hashes.
        self._context = CryptContext(
            schemes=["bcrypt_sha256", "bcrypt"],
            deprecated=["bcrypt"],
            bcrypt_sha256__rounds=settings.bcrypt_cost,
        )
        self._threads = ThreadPoolExecutor(settings.hash_threads, thread_name_prefix="hashing")
        self._queue_limit = settings.hash_queue
        self._queued = 0
        self._decoy_hash = self._context.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._context.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash; None, for an unknown account, takes the same time."""
        VERIFICATIONS.inc()
        matches = await self._in_thread(self._matches, password, password_hash or self._decoy_hash)
        return matches and password_hash is not None

    def needs_upgrade(self, password_hash: str) -> bool:
        return self._context.needs_update(password_hash)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._context.verify(password, password_hash)
        except ValueError:
            # Plain bcrypt refuses more than 72 bytes, so no hash belongs to such a password.
            return False

    async def _in_thread(
        self,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        # Callers at the end of a longer queue would time out.
        if self._queued >= self._queue_limit:
            raise HashingBusy
        self._queued += 1
        try:
            future = self._threads.submit(work, *args, **options)
            return await asyncio.wrap_future(future)
        finally:
            self._queued -= 1
