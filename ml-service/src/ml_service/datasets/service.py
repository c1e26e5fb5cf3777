"""Service of datasets: receive files, list and delete datasets."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database, after_commit
from kit.errors import IdempotencyKeyReused, ServiceError
from kit.fault_points import fault_point
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.datasets.bodies import UploadForm
from ml_service.datasets.inspection import Inspection, Inspector, StoredFile, are_current
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import AccountDeleted, DatasetInUse, DatasetNotFound, DatasetQuotaReached
from ml_service.learning.tables import DETECTED, Reading, TableProfile
from ml_service.orm import Dataset
from ml_service.store.quota import StorageQuota
from ml_service.store.uploads import Upload, Uploads

DEFAULT_NAME = "table.csv"

ReadBody = Callable[[Upload], Awaitable[UploadForm]]
# Reads the settings of a reading from the fields of a form.
ReadSettings = Callable[[Mapping[str, str]], Reading]
# True while a job trains on the dataset with this id.
IsInUse = Callable[[AsyncSession, int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class DatasetQuota:
    """The number of datasets and the stored bytes of each user; `GET /v1/limits` publishes them."""

    storage: StorageQuota
    datasets: int


class ReceivedDataset:
    """An uploaded table; `dataset` is unsaved until `insert`, which replaces it by the row.

    `created` is true once a new row is committed; `replayed` is true for a repeated key. `is_correction` is
    true for an upload whose settings replace those of an equal file.
    """

    def __init__(
        self, user_id: UserId, dataset: Dataset, form: UploadForm, upload: Upload, quota: DatasetQuota
    ) -> None:
        self.dataset, self.form, self._user_id = dataset, form, user_id
        self.created = self.replayed = self.is_correction = False
        self._upload, self._quota = upload, quota

    async def insert(self, session: AsyncSession) -> Dataset:
        """The row of the table, which cannot be deleted until the transaction ends.

        It is new, or that of an equal file that the owner already stores. Raises AccountDeleted,
        DatasetQuotaReached and StorageQuotaReached, and IdempotencyKeyReused if the key has another file.
        """
        repository, user_id = DatasetRepository(session), self._user_id
        if await repository.is_deleted_user(user_id):
            raise AccountDeleted
        await repository.lock_owner(user_id)
        existing = await repository.find_same_to_use(user_id, self.dataset.sha256)
        if existing is None:
            await self._require_room(repository, user_id)
            await self._insert_new(session, repository)
            return self.dataset
        if self.is_correction or (existing.details is None and existing.profile == self.dataset.profile):
            copy_inspection(self.dataset, existing)
        self.dataset = existing
        return existing

    async def _require_room(self, repository: DatasetRepository, user_id: UserId) -> None:
        key, added = self.dataset.idempotency_key, self.dataset
        if key is not None and await repository.find_by_key(user_id, key) is not None:
            raise IdempotencyKeyReused
        if await repository.count(user_id) >= self._quota.datasets:
            raise DatasetQuotaReached(self._quota.datasets)
        await self._quota.storage.require_quota(
            repository.session, user_id, added.size_bytes + added.copy_bytes
        )

    async def _insert_new(self, session: AsyncSession, repository: DatasetRepository) -> None:
        await self._upload.require_stored(session)
        # From this point the sweeper deletes the file if its row is never committed.
        self._upload.keep()
        fault_point("dataset stored")
        await repository.add(self.dataset)
        after_commit(session, self._confirm)

    async def _confirm(self) -> None:
        self.created = True


class DatasetService:
    def __init__(
        self,
        database: Database,
        uploads: Uploads,
        inspector: Inspector,
        quota: DatasetQuota,
        is_in_use: IsInUse,
    ) -> None:
        self._database, self._uploads = database, uploads
        self._inspector, self._quota, self._is_in_use = inspector, quota, is_in_use

    async def receive(
        self, user_id: UserId, read: ReadBody, settings: ReadSettings, key: str | None
    ) -> ReceivedDataset:
        """Receive a file through `read`, inspect and store it, unless its owner already stores it.

        `settings` reads those of the reading from the form.
        """
        async with (
            self.receiving(user_id, read, settings, key) as received,
            self._database.transaction_of(user_id) as session,
        ):
            await received.insert(session)
        return received

    @contextlib.asynccontextmanager
    async def receiving(
        self,
        user_id: UserId,
        read: ReadBody,
        settings: ReadSettings | None = None,
        key: str | None = None,
        *,
        is_retry: bool = False,
    ) -> AsyncGenerator[ReceivedDataset]:
        """Receive and inspect a file, to be inserted within the block, in a transaction of the caller.

        The file of a retry is received without room for it, as its owner already stores it. Without
        `settings` the file is trained on at once: all is detected, whatever was corrected about an equal
        file, and statistics are left out, which take a third of the time of an inspection.
        """
        if not (is_retry or await self._is_known(user_id, key)):
            await self._quota.storage.require_store()
        async with self._uploads.receiving() as upload:
            form = await read(upload)
            await upload.finish()
            existing = await self._find_existing(user_id, upload.sha256, key)
            if existing is None:
                # Before the file is inspected, which takes longer than to receive it.
                await self._quota.storage.require_room(user_id, upload.size)
            given = DETECTED
            if settings is not None:
                given = _given_settings(existing).changed_by(settings(form.fields))
            details = settings is not None
            dataset = await self._describe(user_id, upload, existing, given, details=details)
            dataset.name, dataset.idempotency_key = clean_name(form.filename) or DEFAULT_NAME, key
            received = ReceivedDataset(user_id, dataset, form, upload, self._quota)
            received.is_correction = settings is not None and given != _given_settings(existing)
            received.replayed = key is not None and existing is not None and existing.idempotency_key == key
            try:
                yield received
            except ServiceError:
                # Raised before the commit, so no row names the file.
                upload.kept = received.created
                raise

    async def get(self, user_id: UserId, dataset_id: int) -> Dataset:
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find_readable(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Dataset]:
        async with self._database.read() as session:
            return await DatasetRepository(session).list_page(user_id, page)

    async def delete(self, user_id: UserId, dataset_id: int) -> None:
        async with self._database.transaction_of(user_id) as session:
            repository = DatasetRepository(session)
            location = await repository.lock_to_delete(user_id, dataset_id)
            if location is None and not await repository.is_stored(user_id, dataset_id):
                raise DatasetNotFound
            # Without the lock, the insertion of a job or another request has it.
            if location is None or await self._is_in_use(session, dataset_id):
                raise DatasetInUse
            await repository.delete(dataset_id)
        # After a crash at this point, the sweeper deletes the file without a row.
        fault_point("dataset deleted")
        await self._uploads.delete(location)

    async def _describe(
        self, user_id: UserId, upload: Upload, existing: Dataset | None, given: Reading, *, details: bool
    ) -> Dataset:
        """An unsaved dataset of the upload, with the inspection of an equal file if there is one."""
        if existing is not None:
            # The stored file may be missing or changed, and the bytes at hand are the right ones.
            await self._uploads.replace(existing.location, upload)
            if given == _given_settings(existing) and (are_current(existing.details) or not details):
                return _new_dataset(user_id, upload, _inspection_of(existing))
        stored = StoredFile(upload.key, upload.size, upload.sha256, verified=True)
        inspection = await self._inspector.inspect(user_id, stored, given, details=details)
        return _new_dataset(user_id, upload, inspection)

    async def _is_known(self, user_id: UserId, key: str | None) -> bool:
        if key is None:
            return False
        async with self._database.read() as session:
            return await DatasetRepository(session).find_by_key(user_id, key) is not None

    async def _find_existing(self, user_id: UserId, sha256: bytes, key: str | None) -> Dataset | None:
        async with self._database.read() as session:
            repository = DatasetRepository(session)
            if key is not None:
                first = await repository.find_by_key(user_id, key)
                if first is not None and first.sha256 != sha256:
                    raise IdempotencyKeyReused
            return await repository.find_same(user_id, sha256)


def copy_inspection(source: Dataset, target: Dataset) -> None:
    target.row_count, target.column_count = source.row_count, source.column_count
    target.profile, target.preview = source.profile, source.preview
    target.details, target.copy_bytes = source.details, source.copy_bytes


def _given_settings(existing: Dataset | None) -> Reading:
    return DETECTED if existing is None else TableProfile.from_json(existing.profile).given


def _inspection_of(dataset: Dataset) -> Inspection:
    return Inspection(
        dataset.row_count,
        dataset.column_count,
        dataset.profile,
        dataset.preview,
        dataset.details,
        dataset.copy_bytes,
    )


def _new_dataset(user_id: UserId, upload: Upload, inspection: Inspection) -> Dataset:
    return Dataset(
        user_id=user_id,
        location=upload.key,
        sha256=upload.sha256,
        size_bytes=upload.size,
        copy_bytes=inspection.copy_bytes,
        row_count=inspection.rows,
        column_count=inspection.columns,
        profile=inspection.profile,
        preview=inspection.preview,
        details=inspection.details,
    )


def clean_name(name: str) -> str:
    """The file name without folders and unprintable characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip()
