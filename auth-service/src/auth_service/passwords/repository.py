"""Queries of password checks. All times are PostgreSQL's, so replicas agree."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import KnownNetwork, LoginAttempts, User
from kit.fields import fold_name

LONGEST_ATTEMPT = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)
KNOWN_FOR = timedelta(days=90)
MAX_KNOWN_NETWORKS = 20


class PasswordRepository:
    """Users by their names, and their password hashes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_user(self, name: str) -> User | None:
        return await self._session.scalar(select(User).where(User.folded_name == fold_name(name)))

    async def find_name(self, user_id: int) -> str | None:
        return await self._session.scalar(select(User.name).where(User.id == user_id))

    async def replace_hash(self, user_id: int, old: str, new: str) -> None:
        """Replace the hash, unless the password has changed since it was read."""
        unchanged = (User.id == user_id, User.password_hash == old)
        await self._session.execute(update(User).where(*unchanged).values(password_hash=new))


class KnownNetworkRepository:
    """Networks from which users have logged in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def is_known(self, name: str, network: bytes) -> bool:
        statement = (
            select(literal(1))
            .join_from(KnownNetwork, User, User.id == KnownNetwork.user_id)
            .where(User.folded_name == fold_name(name), KnownNetwork.network_digest == network)
        )
        return await self._session.scalar(statement) is not None

    async def remember(self, user_id: int, network: bytes) -> None:
        """Remember the newest networks of a user; nothing happens if the user was deleted meanwhile."""
        row = (
            select(User.id, literal(network), func.now())
            .where(User.id == user_id)
            .with_for_update(read=True, key_share=True)
        )
        await self._session.execute(
            insert(KnownNetwork)
            .from_select(["user_id", "network_digest", "used_at"], row)
            .on_conflict_do_update(index_elements=["user_id", "network_digest"], set_={"used_at": func.now()})
        )
        own = KnownNetwork.user_id == user_id
        newest = select(KnownNetwork.used_at).where(own).order_by(KnownNetwork.used_at.desc())
        last = newest.offset(MAX_KNOWN_NETWORKS - 1).limit(1).scalar_subquery()
        exceeding = select(KnownNetwork.network_digest).where(own, KnownNetwork.used_at < last)
        older = KnownNetwork.network_digest.in_(exceeding.with_for_update(skip_locked=True))
        await self._session.execute(delete(KnownNetwork).where(own, older))

    async def delete_old(self) -> None:
        old = KnownNetwork.used_at < func.now() - KNOWN_FOR
        await self._session.execute(delete(KnownNetwork).where(old))


class LoginAttemptRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_to_start(self, digest: bytes, free_failures: int) -> bool:
        """Count an attempt as running; returns False during a delay.

        Running attempts count as failures, so that parallel guesses do not evade the delay.
        """
        row = LoginAttempts
        # A process that died while hashing never records the end of its attempt.
        abandoned = row.touched_at < func.now() - LONGEST_ATTEMPT
        running = case((abandoned, 0), else_=row.running)
        statement = (
            insert(row)
            .values(name_digest=digest, failures=0, running=1, touched_at=func.now())
            .on_conflict_do_update(
                index_elements=["name_digest"],
                set_={"running": running + 1, "touched_at": func.now()},
                where=and_(
                    or_(row.blocked_until.is_(None), row.blocked_until <= func.now()),
                    or_(running == 0, row.failures + running < free_failures),
                ),
            )
            .returning(literal(1))
        )
        return (await self._session.execute(statement)).first() is not None

    async def seconds_to_wait(self, digest: bytes) -> float:
        remaining = func.extract("epoch", LoginAttempts.blocked_until - func.now())
        seconds = await self._session.scalar(select(remaining).where(LoginAttempts.name_digest == digest))
        return max(float(seconds or 0), 0.0)

    async def record_failure(self, digest: bytes) -> int:
        """Count a failure; returns the number of failures in a row."""
        row = LoginAttempts
        failures = await self._session.scalar(
            update(row)
            .where(row.name_digest == digest)
            .values(failures=row.failures + 1, running=_one_less_running(), touched_at=func.now())
            .returning(row.failures)
        )
        return failures or 0

    async def block(self, digest: bytes, seconds: int) -> None:
        end = func.now() + timedelta(seconds=seconds)
        await self._update(digest, blocked_until=end)

    async def record_success(self, digest: bytes) -> None:
        await self._update(digest, failures=0, running=_one_less_running(), blocked_until=None)

    async def abandon(self, digest: bytes) -> None:
        """End an attempt whose password was not checked."""
        await self._update(digest, running=_one_less_running())

    async def delete_old(self) -> None:
        old = LoginAttempts.touched_at < func.now() - FORGOTTEN_AFTER
        await self._session.execute(delete(LoginAttempts).where(old))

    async def _update(self, digest: bytes, **values: object) -> None:
        statement = update(LoginAttempts).where(LoginAttempts.name_digest == digest).values(**values)
        await self._session.execute(statement)


def _one_less_running() -> ColumnElement[int]:
    return func.greatest(LoginAttempts.running - 1, 0)
