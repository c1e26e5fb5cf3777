"""SQL of the sealed secrets."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.secrets.models import SealedSecret

LOCK = 0x5EC2E7


class SecretRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Until the transaction ends, so that two replicas starting at once agree on one secret."""
        await self._session.execute(select(func.pg_advisory_xact_lock(LOCK)))

    async def find(self, name: str) -> bytes | None:
        return await self._session.scalar(select(SealedSecret.sealed).where(SealedSecret.name == name))

    async def put(self, name: str, sealed: bytes) -> None:
        statement = insert(SealedSecret).values(name=name, sealed=sealed)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"sealed": sealed})
        )
