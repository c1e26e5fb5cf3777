"""Service of inspections: statistics and findings of datasets, and corrections of their column types."""

from collections.abc import Mapping, Sequence

from cachetools import LRUCache

from kit.database import Database
from kit.identity import UserId
from ml_service.datasets.inspection import Inspection, Inspector, LabelColumn, StoredFile
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import DatasetNotFound
from ml_service.learning.findings.columns import Finding
from ml_service.learning.tables import ColumnType, TableProfile
from ml_service.learning.training.rules import check_kinds, check_label, is_classification
from ml_service.orm import Dataset

# Some 10 MB; a wide table may have a finding for each column.
MOST_CACHED_FINDINGS = 20_000

FindingsKey = tuple[int, tuple[tuple[str, str], ...], str]


class InspectionService:
    def __init__(self, database: Database, inspector: Inspector) -> None:
        self._database, self._inspector = database, inspector
        # Each takes a scan of the whole file.
        self._findings: LRUCache[FindingsKey, Sequence[Finding]] = LRUCache(MOST_CACHED_FINDINGS, _weight)

    async def get(self, user_id: UserId, dataset_id: int) -> Dataset:
        """A dataset with its details; a file that was uploaded to train on at once is inspected first."""
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
        column, kinds = check_label(profile, label), profile.corrected_kinds
        key = (dataset_id, tuple(sorted(kinds.items())), label)
        if key in self._findings:
            return self._findings[key]
        label_column = LabelColumn(label, is_classification(column, profile.rows - column.missing))
        stored = StoredFile(dataset.location, dataset.size_bytes, dataset.sha256)
        findings = await self._inspector.inspect_label(user_id, stored, kinds, label_column)
        self._findings[key] = findings
        return findings

    async def _inspect(self, user_id: UserId, dataset_id: int, kinds: Mapping[str, ColumnType]) -> Dataset:
        while True:
            dataset = await self._get_with_details(user_id, dataset_id)
            profile = TableProfile.from_json(dataset.profile)
            check_kinds(profile, kinds)
            corrected = profile.corrected_kinds
            if dataset.details is not None and kinds.items() <= corrected.items():
                return dataset
            stored = StoredFile(dataset.location, dataset.size_bytes, dataset.sha256)
            inspection = await self._inspector.inspect(user_id, stored, {**corrected, **kinds})
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
            dataset.details, dataset.copy_bytes = inspection.details, inspection.copy_bytes
        return True


def _weight(findings: Sequence[Finding]) -> int:
    return 1 + len(findings)
