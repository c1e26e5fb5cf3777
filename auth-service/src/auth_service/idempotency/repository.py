"""SQL of the first answers."""

import hashlib
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.idempotency.models import FirstAnswer

KEPT_FOR = timedelta(days=1)


class FirstAnswerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_lock(self, scope: str, key: str) -> bool:
        """Until the transaction ends; False while another one holds it."""
        digest = hashlib.sha256(f"{scope}\n{key}".encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(number))))

    async def find(self, scope: str, key: str) -> FirstAnswer | None:
        return await self._session.get(FirstAnswer, (scope, key))

    async def add(self, answer: FirstAnswer) -> None:
        self._session.add(answer)
        await self._session.flush()

    async def delete_old(self) -> None:
        await self._session.execute(delete(FirstAnswer).where(FirstAnswer.created_at < func.now() - KEPT_FOR))
