"""Takes files in, once each, and lets them go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from kit.database import Database
from kit.errors import ServiceError
from kit.idempotency import IdempotencyKeyReused
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.datasets.bodies import Form
from ml_service.datasets.inspection import Inspection, Inspector
from ml_service.datasets.models import Dataset
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import AccountDeleted, DatasetInUse, DatasetNotFound, DatasetQuotaReached
from ml_service.jobs.repository import JobRepository
from ml_service.store.uploads import Upload, Uploads

ReadBody = Callable[[Upload], Awaitable[Form]]
UNNAMED = "table.csv"


@dataclass(frozen=True, slots=True)
class Added:
    """`created` is false when its owner already had this file; `replayed` when the key says it is a retry."""

    dataset: Dataset
    form: Form
    created: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that one user may have; `GET /v1/limits` publishes it."""

    datasets: int
    size_bytes: int


class DatasetService:
    def __init__(self, database: Database, uploads: Uploads, inspector: Inspector, quota: Quota) -> None:
        self._database, self._uploads = database, uploads
        self._inspector, self._quota = inspector, quota

    async def receive(self, user_id: UserId, read: ReadBody, key: str | None) -> Added:
        """Keep the file that `read` writes, unless its owner already has it."""
        async with self._uploads.receiving() as upload:
            form = await read(upload)
            await upload.finish()
            known = await self._find_known(user_id, upload.sha256, form, key)
            if known is not None:
                return known
            inspection = await self._inspector.inspect(upload.key, {})
            dataset = _describe(user_id, upload, form, inspection, key)
            # From here on the sweeper removes the file should its row never be committed.
            upload.keep()
            try:
                if await self._add(dataset):
                    return Added(dataset, form, created=True)
            except ServiceError:
                upload.kept = False
                raise
            upload.kept = False
            return await self._get_known(user_id, upload.sha256, form, key)

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
            if await JobRepository(session).is_training_on(dataset_id):
                raise DatasetInUse
            await repository.delete(dataset)
        await self._uploads.delete(dataset.location)

    async def _add(self, dataset: Dataset) -> bool:
        """False when a twin was faster; the unique indexes decide."""
        try:
            async with self._database.transaction() as session:
                repository, user_id = DatasetRepository(session), UserId(dataset.user_id)
                if await repository.has_departed(user_id):
                    raise AccountDeleted
                await repository.lock_owner(user_id)
                if await repository.find_same(user_id, dataset.sha256) is not None:
                    return False
                await self._check_quota(repository, dataset)
                await repository.add(dataset)
        except IntegrityError:
            return False
        return True

    async def _check_quota(self, repository: DatasetRepository, more: Dataset) -> None:
        held, quota = await repository.measure(UserId(more.user_id)), self._quota
        if held.datasets + 1 > quota.datasets or held.size_bytes + more.size_bytes > quota.size_bytes:
            raise DatasetQuotaReached(quota.datasets, quota.size_bytes)

    async def _get_known(self, user_id: UserId, sha256: bytes, form: Form, key: str | None) -> Added:
        known = await self._find_known(user_id, sha256, form, key)
        if known is None:
            raise DatasetNotFound
        return known

    async def _find_known(self, user_id: UserId, sha256: bytes, form: Form, key: str | None) -> Added | None:
        async with self._database.read() as session:
            repository = DatasetRepository(session)
            if key is not None and (first := await repository.find_by_key(user_id, key)) is not None:
                if first.sha256 != sha256:
                    raise IdempotencyKeyReused
                return Added(first, form, replayed=True)
            same = await repository.find_same(user_id, sha256)
        return Added(same, form) if same is not None else None


def _describe(
    user_id: UserId, upload: Upload, form: Form, inspection: Inspection, key: str | None
) -> Dataset:
    return Dataset(
        user_id=user_id,
        name=clean_name(form.filename) or UNNAMED,
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
    """A file name without folders and without what cannot be printed or stored."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip()
