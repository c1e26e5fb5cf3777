"""SQL of the login attempts. PostgreSQL's clock is the only one, so replicas cannot disagree."""

from datetime import timedelta

from sqlalchemy import and_, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.passwords.models import LoginAttempts
from auth_service.passwords.rules import FREE_FAILURES, delay_after

LONGEST_ATTEMPT = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)


class LoginAttemptRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_to_start(self, digest: bytes) -> bool:
        """Counts an attempt as running; False while the name must wait.

        Running attempts count like failures, so that guesses sent at once are not all free.
        """
        row = LoginAttempts
        # A process that died while hashing never says how its attempt ended.
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
                    or_(running == 0, row.failures + running < FREE_FAILURES),
                ),
            )
            .returning(literal(1))
        )
        return (await self._session.execute(statement)).first() is not None

    async def seconds_to_wait(self, digest: bytes) -> float:
        left = func.extract("epoch", LoginAttempts.blocked_until - func.now())
        found = await self._session.scalar(select(left).where(LoginAttempts.name_digest == digest))
        return max(float(found or 0), 0.0)

    async def fail(self, digest: bytes) -> None:
        row = LoginAttempts
        ended = func.greatest(row.running - 1, 0)
        mine = row.name_digest == digest
        failures = await self._session.scalar(
            update(row)
            .where(mine)
            .values(failures=row.failures + 1, running=ended, touched_at=func.now())
            .returning(row.failures)
        )
        delay = timedelta(seconds=delay_after(failures or 0))
        if delay:
            await self._session.execute(update(row).where(mine).values(blocked_until=func.now() + delay))

    async def succeed(self, digest: bytes) -> None:
        row = LoginAttempts
        await self._session.execute(
            update(row)
            .where(row.name_digest == digest)
            .values(failures=0, running=func.greatest(row.running - 1, 0), blocked_until=None)
        )

    async def give_up(self, digest: bytes) -> None:
        """The attempt ended without an answer to whether the password was right."""
        row = LoginAttempts
        await self._session.execute(
            update(row).where(row.name_digest == digest).values(running=func.greatest(row.running - 1, 0))
        )

    async def delete_old(self) -> None:
        old = LoginAttempts.touched_at < func.now() - FORGOTTEN_AFTER
        await self._session.execute(delete(LoginAttempts).where(old))
