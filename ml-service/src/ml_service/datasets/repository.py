"""Queries of datasets."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only, undefer

from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.challenge_orm import Challenge, Member
from ml_service.orm import Dataset, DeletedUser

# Without what grows with the columns: a list of wide tables would be a gigabyte of JSON.
SUMMARY = load_only(
    *(Dataset.id, Dataset.user_id, Dataset.name, Dataset.location, Dataset.sha256, Dataset.size_bytes),
    *(Dataset.row_count, Dataset.column_count, Dataset.created_at),
    raiseload=True,
)


class DatasetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, dataset: Dataset) -> None:
        self.session.add(dataset)
        await self.session.flush()

    async def lock_owner(self, user_id: UserId) -> None:
        """Serialize uploads of one user until the transaction ends, so that the quota is exact."""
        number = func.hashtextextended("datasets", user_id)
        await self.session.execute(select(func.pg_advisory_xact_lock(number)))

    async def count(self, user_id: UserId) -> int:
        counted = select(func.count()).select_from(Dataset).where(Dataset.user_id == user_id)
        return await self.session.scalar(counted) or 0

    async def find(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        return await self.session.scalar(_of(user_id).where(Dataset.id == dataset_id))

    async def find_readable(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        """The user's own dataset, or that of a challenge of one of their groups."""
        return await self.session.scalar(_readable_by(user_id).where(Dataset.id == dataset_id))

    async def find_of_challenge(self, user_id: UserId, challenge_id: int) -> Dataset | None:
        """The dataset of a challenge of one of the user's groups."""
        return await self.session.scalar(_readable_by(user_id).where(Dataset.challenge_id == challenge_id))

    async def find_challenge(self, dataset: Dataset) -> Challenge | None:
        """The challenge that the dataset belongs to."""
        return await self.session.scalar(select(Challenge).where(Challenge.id == dataset.challenge_id))

    async def find_with_details(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        """The user's own dataset, or that of a challenge of one of their groups."""
        statement = _readable_by(user_id).where(Dataset.id == dataset_id)
        return await self.session.scalar(statement.options(undefer(Dataset.details)))

    async def is_stored(self, user_id: UserId, dataset_id: int) -> bool:
        statement = select(Dataset.id).where(Dataset.id == dataset_id, Dataset.user_id == user_id)
        return (await self.session.execute(statement)).first() is not None

    async def find_locked(self, dataset_id: int) -> Dataset | None:
        return await self.session.scalar(select(Dataset).where(Dataset.id == dataset_id).with_for_update())

    async def find_for_job(self, user_id: UserId, dataset_id: int) -> Dataset | None:
        """The readable dataset, locked against deletion until the transaction ends; jobs share the lock."""
        statement = _readable_by(user_id).where(Dataset.id == dataset_id)
        return await self.session.scalar(statement.with_for_update(read=True, key_share=True, of=Dataset))

    async def lock_to_delete(self, user_id: UserId, dataset_id: int) -> str | None:
        """The key of the dataset's file; None if there is no such row, or another transaction uses it."""
        statement = select(Dataset.location).where(Dataset.id == dataset_id, Dataset.user_id == user_id)
        return await self.session.scalar(statement.with_for_update(skip_locked=True))

    async def find_same(self, user_id: UserId, sha256: bytes) -> Dataset | None:
        return await self.session.scalar(_same(user_id, sha256))

    async def find_same_to_use(self, user_id: UserId, sha256: bytes) -> Dataset | None:
        """The dataset, which nobody can delete until the transaction ends."""
        statement = _same(user_id, sha256).with_for_update(read=True, key_share=True)
        return await self.session.scalar(statement)

    async def find_by_key(self, user_id: UserId, key: str) -> Dataset | None:
        return await self.session.scalar(_of(user_id).where(Dataset.idempotency_key == key))

    async def is_deleted_user(self, user_id: UserId) -> bool:
        return bool(await self.session.scalar(select(exists().where(DeletedUser.user_id == user_id))))

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Dataset]:
        statement = _of(user_id).where(Dataset.id < page.before).order_by(Dataset.id.desc())
        return (await self.session.scalars(statement.options(SUMMARY).limit(page.fetch))).all()

    async def delete(self, dataset_id: int) -> None:
        await self.session.execute(delete(Dataset).where(Dataset.id == dataset_id))


def _of(user_id: UserId) -> Select[Dataset]:
    return select(Dataset).where(Dataset.user_id == user_id)


def _readable_by(user_id: UserId) -> Select[Dataset]:
    """Own datasets, and those of challenges in the user's groups; staff see one before it opens."""
    seen = (
        select(Challenge.id)
        .join(Member, Member.group_id == Challenge.group_id)
        .where(Member.user_id == user_id, Member.state == "active", Challenge.published_at.is_not(None))
        .where(or_(Challenge.opens_at <= func.now(), Member.role != "member"))
    )
    return select(Dataset).where(or_(Dataset.user_id == user_id, Dataset.challenge_id.in_(seen)))


def _same(user_id: UserId, sha256: bytes) -> Select[Dataset]:
    return _of(user_id).where(Dataset.sha256 == sha256).options(undefer(Dataset.details))
