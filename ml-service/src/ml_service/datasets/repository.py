"""Datasets in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.base import DeletedUser
from ml_service.datasets.models import Dataset


@dataclass(frozen=True, slots=True)
class Held:
    """How much one user has."""

    datasets: int
    size_bytes: int


class DatasetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, dataset: Dataset) -> None:
        self._session.add(dataset)
        await self._session.flush()

    async def lock_owner(self, user_id: UserId) -> None:
        """Until the transaction ends nobody else adds to what this user has."""
        number = func.hashtextextended("datasets", user_id)
        await self._session.execute(select(func.pg_advisory_xact_lock(number)))

    async def measure(self, user_id: UserId) -> Held:
        sums = select(func.count(), func.coalesce(func.sum(Dataset.size_bytes), 0))
        datasets, size = (await self._session.execute(sums.where(Dataset.user_id == user_id))).one()
        return Held(datasets, int(size))

    async def find(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        chosen = select(Dataset).where(Dataset.id == dataset_id, Dataset.user_id == user_id)
        return await self._session.scalar(chosen)

    async def find_whole(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        """With its details."""
        chosen = select(Dataset).where(Dataset.id == dataset_id, Dataset.user_id == user_id)
        return await self._session.scalar(chosen.options(undefer(Dataset.details)))

    async def find_locked(self, dataset_id: int) -> Dataset | None:
        return await self._session.scalar(select(Dataset).where(Dataset.id == dataset_id).with_for_update())

    async def find_same(self, user_id: UserId, sha256: bytes) -> Dataset | None:
        chosen = select(Dataset).where(Dataset.user_id == user_id, Dataset.sha256 == sha256)
        return await self._session.scalar(chosen.options(undefer(Dataset.details)))

    async def find_by_key(self, user_id: UserId, key: str) -> Dataset | None:
        chosen = select(Dataset).where(Dataset.user_id == user_id, Dataset.idempotency_key == key)
        return await self._session.scalar(chosen.options(undefer(Dataset.details)))

    async def find_location(self, dataset_id: int) -> str | None:
        return await self._session.scalar(select(Dataset.location).where(Dataset.id == dataset_id))

    async def has_departed(self, user_id: UserId) -> bool:
        chosen = select(exists().where(DeletedUser.user_id == user_id))
        return bool(await self._session.scalar(chosen))

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Dataset]:
        chosen = select(Dataset).where(Dataset.user_id == user_id, Dataset.id < page.before)
        return (await self._session.scalars(chosen.order_by(Dataset.id.desc()).limit(page.fetch))).all()

    async def list_all(self, user_id: UserId) -> Sequence[Dataset]:
        chosen = select(Dataset).where(Dataset.user_id == user_id).order_by(Dataset.id)
        return (await self._session.scalars(chosen)).all()

    async def delete(self, dataset: Dataset) -> None:
        await self._session.execute(delete(Dataset).where(Dataset.id == dataset.id))
