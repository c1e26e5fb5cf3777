"""Queries of datasets."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.orm import Dataset, DeletedUser


@dataclass(frozen=True, slots=True)
class Usage:
    """Number and total size of a user's datasets."""

    datasets: int
    size_bytes: int


class DatasetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, dataset: Dataset) -> None:
        self._session.add(dataset)
        await self._session.flush()

    async def lock_owner(self, user_id: UserId) -> None:
        """Serialize uploads of one user until the transaction ends, so that the quota is exact."""
        number = func.hashtextextended("datasets", user_id)
        await self._session.execute(select(func.pg_advisory_xact_lock(number)))

    async def measure(self, user_id: UserId) -> Usage:
        sums = select(func.count(), func.coalesce(func.sum(Dataset.size_bytes), 0))
        datasets, size = (await self._session.execute(sums.where(Dataset.user_id == user_id))).one()
        return Usage(datasets, int(size))

    async def find(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        return await self._session.scalar(_of(user_id).where(Dataset.id == dataset_id))

    async def find_with_details(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        statement = _of(user_id).where(Dataset.id == dataset_id)
        return await self._session.scalar(statement.options(undefer(Dataset.details)))

    async def find_locked(self, dataset_id: int) -> Dataset | None:
        return await self._session.scalar(select(Dataset).where(Dataset.id == dataset_id).with_for_update())

    async def find_for_job(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        """The dataset, locked so that it cannot be deleted until the transaction ends; jobs share the lock."""
        statement = _of(user_id).where(Dataset.id == dataset_id)
        return await self._session.scalar(statement.with_for_update(read=True, key_share=True))

    async def find_same(self, user_id: UserId, sha256: bytes) -> Dataset | None:
        statement = _of(user_id).where(Dataset.sha256 == sha256)
        return await self._session.scalar(statement.options(undefer(Dataset.details)))

    async def find_by_key(self, user_id: UserId, key: str) -> Dataset | None:
        statement = _of(user_id).where(Dataset.idempotency_key == key)
        return await self._session.scalar(statement.options(undefer(Dataset.details)))

    async def find_location(self, dataset_id: int) -> str | None:
        return await self._session.scalar(select(Dataset.location).where(Dataset.id == dataset_id))

    async def is_deleted_user(self, user_id: UserId) -> bool:
        return bool(await self._session.scalar(select(exists().where(DeletedUser.user_id == user_id))))

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Dataset]:
        statement = _of(user_id).where(Dataset.id < page.before).order_by(Dataset.id.desc())
        return (await self._session.scalars(statement.limit(page.fetch))).all()

    async def list_all(self, user_id: UserId) -> Sequence[Dataset]:
        return (await self._session.scalars(_of(user_id).order_by(Dataset.id))).all()

    async def delete(self, dataset: Dataset) -> None:
        await self._session.execute(delete(Dataset).where(Dataset.id == dataset.id))


def _of(user_id: UserId) -> Select[Dataset]:
    return select(Dataset).where(Dataset.user_id == user_id)
