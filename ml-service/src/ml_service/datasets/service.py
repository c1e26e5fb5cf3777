"""Service of datasets: receive and inspect files, correct column types, delete."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database
from kit.errors import IdempotencyKeyReused, ServiceError
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.datasets.bodies import UploadForm
from ml_service.datasets.inspection import Inspection, Inspector, LabelColumn
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import AccountDeleted, DatasetInUse, DatasetNotFound, DatasetQuotaReached
from ml_service.learning.findings.columns import Finding
from ml_service.learning.tables import ColumnType, TableProfile
from ml_service.learning.training.rules import check_kinds, check_label, is_classification
from ml_service.orm import Dataset
from ml_service.store.uploads import Upload, Uploads

DEFAULT_NAME = "table.csv"

ReadBody = Callable[[Upload], Awaitable[UploadForm]]
# The dataset of a job, stored and locked until the session's commit.
InsertDataset = Callable[[AsyncSession], Awaitable[Dataset]]
# True while a job trains on the dataset with this id.
IsInUse = Callable[[AsyncSession, int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ReceivedDataset:
    """`created` is false for a file that its owner already stores; `replayed` is true for a repeated key."""

    dataset: Dataset
    form: UploadForm
    created: bool = False
    replayed: bool = False


@dataclass(frozen=True)
class ReceivedTable:
    """A received file to train on; `insert` stores its dataset, or locks the one that its owner stores."""

    dataset: Dataset
    form: UploadForm
    insert: InsertDataset


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits for each user's datasets; `GET /v1/limits` publishes them."""

    datasets: int
    size_bytes: int


class DatasetService:
    def __init__(
        self, database: Database, uploads: Uploads, inspector: Inspector, quota: Quota, is_in_use: IsInUse
    ) -> None:
        self._database, self._uploads = database, uploads
        self._inspector, self._quota, self._is_in_use = inspector, quota, is_in_use

    async def receive(
        self, user_id: UserId, read: ReadBody, key: str | None, *, details: bool = True
    ) -> ReceivedDataset:
        """Receive a file through `read`, inspect and store it, unless its owner already stores it.

        A file to train on at once needs no `details`: statistics take a third of the time of its inspection.
        """
        async with self._uploads.receiving() as upload:
            form = await read(upload)
            await upload.finish()
            existing = await self._find_existing(user_id, upload.sha256, form, key)
            if existing is not None:
                return existing
            inspection = await self._inspector.inspect(upload.key, {}, details=details)
            dataset = _new_dataset(user_id, upload, form, inspection, key)
            # From this point the sweeper deletes the file if its row is never committed.
            upload.keep()
            try:
                if await self._add(dataset):
                    return ReceivedDataset(dataset, form, created=True)
            except ServiceError:
                upload.kept = False
                raise
            upload.kept = False
            return await self._get_existing(user_id, upload.sha256, form, key)

    @contextlib.asynccontextmanager
    async def receiving(self, user_id: UserId, read: ReadBody) -> AsyncGenerator[ReceivedTable]:
        """Receive and inspect a file to train on; it is stored only if a job inserts it within the block.

        It needs no statistics yet, which take a third of the time of an inspection.
        """
        async with self._uploads.receiving() as upload:
            form = await read(upload)
            await upload.finish()
            existing = await self._find_existing(user_id, upload.sha256, form, None)
            if existing is not None:
                lock = partial(self._lock, user_id, existing.dataset.id)
                yield ReceivedTable(existing.dataset, form, lock)
                return
            inspection = await self._inspector.inspect(upload.key, {}, details=False)
            dataset = _new_dataset(user_id, upload, form, inspection, None)
            try:
                yield ReceivedTable(dataset, form, partial(self._store_and_lock, dataset, upload))
            except ServiceError:
                # A refusal, so the session has not committed the dataset.
                upload.kept = False
                raise

    async def _lock(self, user_id: UserId, dataset_id: int, session: AsyncSession) -> Dataset:
        """Lock a dataset for a job, so that it is not deleted before the session's commit."""
        dataset = await DatasetRepository(session).find_for_job(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def get(self, user_id: UserId, dataset_id: int) -> Dataset:
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Dataset]:
        async with self._database.read() as session:
            return await DatasetRepository(session).list_page(user_id, page)

    async def delete(self, user_id: UserId, dataset_id: int) -> None:
        async with self._database.transaction() as session:
            repository = DatasetRepository(session)
            dataset = await repository.find(user_id, dataset_id)
            if dataset is None:
                raise DatasetNotFound
            if await self._is_in_use(session, dataset_id):
                raise DatasetInUse
            await repository.delete(dataset)
        await self._uploads.delete(dataset.location)

    async def _add(self, dataset: Dataset) -> bool:
        """False if a concurrent upload of the file was faster; the unique indexes decide."""
        try:
            async with self._database.transaction() as session:
                return await self._store(session, dataset) is dataset
        except IntegrityError:
            return False

    async def _store_and_lock(self, dataset: Dataset, upload: Upload, session: AsyncSession) -> Dataset:
        # From this point the sweeper deletes the file if its row is never committed.
        upload.keep()
        stored = await self._store(session, dataset)
        upload.kept = stored is dataset
        return await self._lock(UserId(dataset.user_id), stored.id, session)

    async def _store(self, session: AsyncSession, dataset: Dataset) -> Dataset:
        """Add the dataset, unless a concurrent request has stored the same file; returns the stored one."""
        repository, user_id = DatasetRepository(session), UserId(dataset.user_id)
        if await repository.is_deleted_user(user_id):
            raise AccountDeleted
        await repository.lock_owner(user_id)
        same = await repository.find_same(user_id, dataset.sha256)
        if same is not None:
            return same
        await self._check_quota(repository, dataset)
        await repository.add(dataset)
        return dataset

    async def _check_quota(self, repository: DatasetRepository, added: Dataset) -> None:
        usage, quota = await repository.measure(UserId(added.user_id)), self._quota
        if usage.datasets + 1 > quota.datasets or usage.size_bytes + added.size_bytes > quota.size_bytes:
            raise DatasetQuotaReached(quota.datasets, quota.size_bytes)

    async def _get_existing(
        self, user_id: UserId, sha256: bytes, form: UploadForm, key: str | None
    ) -> ReceivedDataset:
        existing = await self._find_existing(user_id, sha256, form, key)
        if existing is None:
            raise DatasetNotFound
        return existing

    async def _find_existing(
        self, user_id: UserId, sha256: bytes, form: UploadForm, key: str | None
    ) -> ReceivedDataset | None:
        async with self._database.read() as session:
            repository = DatasetRepository(session)
            if key is not None and (first := await repository.find_by_key(user_id, key)) is not None:
                if first.sha256 != sha256:
                    raise IdempotencyKeyReused
                return ReceivedDataset(first, form, replayed=True)
            same = await repository.find_same(user_id, sha256)
        return ReceivedDataset(same, form) if same is not None else None


def _new_dataset(
    user_id: UserId, upload: Upload, form: UploadForm, inspection: Inspection, key: str | None
) -> Dataset:
    return Dataset(
        user_id=user_id,
        name=clean_name(form.filename) or DEFAULT_NAME,
        location=upload.key,
        sha256=upload.sha256,
        size_bytes=upload.size,
        row_count=inspection.rows,
        column_count=inspection.columns,
        profile=inspection.profile,
        preview=inspection.preview,
        details=inspection.details,
        idempotency_key=key,
    )


def clean_name(name: str) -> str:
    """The file name without folders and unprintable characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip()


class InspectionService:
    """Statistics and findings of datasets, and corrections of their column types."""

    def __init__(self, database: Database, inspector: Inspector) -> None:
        self._database, self._inspector = database, inspector

    async def get(self, user_id: UserId, dataset_id: int) -> Dataset:
        """A dataset with its details; the file of a row of an older version is inspected first."""
        return await self._inspect(user_id, dataset_id, {})

    async def correct(self, user_id: UserId, dataset_id: int, kinds: Mapping[str, ColumnType]) -> Dataset:
        """Inspect the file again with these column types; raises at the first cell of another type."""
        return await self._inspect(user_id, dataset_id, kinds)

    async def find_label_findings(self, user_id: UserId, dataset_id: int, label: str) -> Sequence[Finding]:
        """Findings about a label: imbalanced classes, rare classes, leakage."""
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        profile = TableProfile.from_json(dataset.profile)
        column = check_label(profile, label)
        label_column = LabelColumn(label, is_classification(column, profile.rows - column.missing))
        return await self._inspector.inspect_label(dataset.location, profile.corrected_kinds, label_column)

    async def _inspect(self, user_id: UserId, dataset_id: int, kinds: Mapping[str, ColumnType]) -> Dataset:
        while True:
            dataset = await self._get_with_details(user_id, dataset_id)
            profile = TableProfile.from_json(dataset.profile)
            check_kinds(profile, kinds)
            if dataset.details is not None and not kinds:
                return dataset
            inspection = await self._inspector.inspect(dataset.location, {**profile.corrected_kinds, **kinds})
            if await self._update(dataset, inspection):
                return await self._get_with_details(user_id, dataset_id)

    async def _get_with_details(self, user_id: UserId, dataset_id: int) -> Dataset:
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find_with_details(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def _update(self, read: Dataset, inspection: Inspection) -> bool:
        """False if another request has corrected the dataset since, so that its correction is not lost."""
        async with self._database.transaction() as session:
            dataset = await DatasetRepository(session).find_locked(read.id)
            if dataset is None:
                raise DatasetNotFound
            if dataset.profile != read.profile:
                return False
            dataset.profile, dataset.preview = inspection.profile, inspection.preview
            dataset.details = inspection.details
        return True
