"""Answers kept for retries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.identity import UserId
from ml_service.predictions.models import Answer

# Longer than a prediction can take; a process that died in the middle of one is waited for no longer.
RUNNING = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    fingerprint: bytes
    answer: bytes | None


class AnswerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begin(self, user_id: UserId, key: str, fingerprint: bytes) -> bool:
        """False when this key has a row, and whoever wrote it may still be running."""
        statement = (
            insert(Answer)
            .values(
                user_id=user_id,
                idempotency_key=key,
                fingerprint=fingerprint,
                lease_until=func.now() + RUNNING,
            )
            .on_conflict_do_update(
                index_elements=[Answer.user_id, Answer.idempotency_key],
                set_={"lease_until": func.now() + RUNNING},
                where=Answer.answer.is_(None)
                & (Answer.lease_until < func.now())
                & (Answer.fingerprint == fingerprint),
            )
            .returning(Answer.id)
        )
        return (await self._session.execute(statement)).first() is not None

    async def find(self, user_id: UserId, key: str) -> KeptAnswer | None:
        chosen = select(Answer.fingerprint, Answer.answer).where(
            Answer.user_id == user_id, Answer.idempotency_key == key
        )
        row = (await self._session.execute(chosen)).first()
        return KeptAnswer(*row) if row is not None else None

    async def renew(self, user_id: UserId, key: str) -> None:
        """Whoever answers is still at it."""
        chosen = update(Answer).where(Answer.user_id == user_id, Answer.idempotency_key == key)
        await self._session.execute(chosen.values(lease_until=func.now() + RUNNING))

    async def keep(self, user_id: UserId, key: str, answer: bytes, location: str | None) -> None:
        chosen = update(Answer).where(Answer.user_id == user_id, Answer.idempotency_key == key)
        await self._session.execute(chosen.values(answer=answer, location=location))

    async def withdraw(self, user_id: UserId, key: str) -> None:
        """The request was refused; its key is as good as new."""
        chosen = delete(Answer).where(Answer.user_id == user_id, Answer.idempotency_key == key)
        await self._session.execute(chosen.where(Answer.answer.is_(None)))

    async def delete_older(self, age: timedelta) -> Sequence[str]:
        """Gives the keys of the files that no answer needs any more."""
        old = delete(Answer).where(Answer.created_at < func.now() - age).returning(Answer.location)
        return [each for each in (await self._session.scalars(old)).all() if each is not None]
