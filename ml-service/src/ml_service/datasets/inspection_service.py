"""Service of inspections: statistics and findings of datasets, and corrections of their reading."""

from collections.abc import Sequence

import orjson
from cachetools import LRUCache

from kit.database import Database
from kit.identity import UserId
from ml_service.datasets.inspection import Inspection, Inspector, LabelColumn, StoredFile, are_current
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import DatasetNotFound
from ml_service.learning.tables import DETECTED, Finding, Reading, TableProfile
from ml_service.learning.tables.header import clean_name
from ml_service.learning.training.rules import check_label, check_reading, is_classification
from ml_service.orm import Dataset

# Some 10 MB; a wide table may have a finding for each column.
MOST_CACHED_FINDINGS = 20_000

# A dataset, its settings as JSON, and a label.
FindingsKey = tuple[int, bytes, str]


class InspectionService:
    def __init__(self, database: Database, inspector: Inspector) -> None:
        self._database, self._inspector = database, inspector
        # Each takes a scan of the whole file.
        self._findings: LRUCache[FindingsKey, Sequence[Finding]] = LRUCache(MOST_CACHED_FINDINGS, _weight)

    async def get(self, user_id: UserId, dataset_id: int) -> Dataset:
        """A dataset with its details; a file that was uploaded to train on at once is inspected first."""
        return await self._inspect(user_id, dataset_id, DETECTED)

    async def correct(self, user_id: UserId, dataset_id: int, correction: Reading) -> Dataset:
        """Read the file again with these settings; raises at the first cell that a set type does not fit."""
        _require_owner(await self._get_with_details(user_id, dataset_id), user_id)
        return await self._inspect(user_id, dataset_id, correction)

    async def preview(self, user_id: UserId, dataset_id: int, correction: Reading) -> Dataset:
        """The dataset as these settings would read it, detached from its row."""
        dataset = await self._get_with_details(user_id, dataset_id)
        _require_owner(dataset, user_id)
        profile = TableProfile.from_json(dataset.profile)
        check_reading(profile, correction)
        stored = StoredFile(dataset.location, dataset.size_bytes, dataset.sha256)
        given = profile.given.changed_by(correction)
        inspection = await self._inspector.inspect(user_id, stored, given, keeps_copy=False)
        set_inspection(dataset, inspection)
        return dataset

    async def find_label_findings(self, user_id: UserId, dataset_id: int, label: str) -> Sequence[Finding]:
        """Findings about a label: imbalanced classes, rare classes, leakage."""
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find_readable(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        profile = TableProfile.from_json(dataset.profile)
        label = label if label in profile.header else clean_name(label)
        column = check_label(profile, label)
        key = (dataset_id, orjson.dumps(profile.given.to_json()), label)
        if key in self._findings:
            return self._findings[key]
        label_column = LabelColumn(label, is_classification(column, profile.rows - column.missing))
        stored = StoredFile(dataset.location, dataset.size_bytes, dataset.sha256)
        findings = await self._inspector.inspect_label(user_id, stored, profile.given, label_column)
        self._findings[key] = findings
        return findings

    async def _inspect(self, user_id: UserId, dataset_id: int, correction: Reading) -> Dataset:
        while True:
            dataset = await self._get_with_details(user_id, dataset_id)
            profile = TableProfile.from_json(dataset.profile)
            check_reading(profile, correction)
            given = profile.given.changed_by(correction)
            if are_current(dataset.details) and given == profile.given:
                return dataset
            stored = StoredFile(dataset.location, dataset.size_bytes, dataset.sha256)
            inspection = await self._inspector.inspect(user_id, stored, given)
            if await self._update(user_id, dataset, inspection):
                return await self._get_with_details(user_id, dataset_id)

    async def _get_with_details(self, user_id: UserId, dataset_id: int) -> Dataset:
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find_with_details(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def _update(self, user_id: UserId, read: Dataset, inspection: Inspection) -> bool:
        """False if another request has corrected the dataset since, so that its correction is not lost."""
        async with self._database.transaction_of(user_id) as session:
            dataset = await DatasetRepository(session).find_locked(read.id)
            if dataset is None:
                raise DatasetNotFound
            if dataset.profile != read.profile:
                return False
            set_inspection(dataset, inspection)
        return True


def _require_owner(dataset: Dataset, user_id: UserId) -> None:
    """Members of a challenge read its dataset; nobody corrects it. Raises DatasetNotFound."""
    if dataset.user_id != user_id:
        raise DatasetNotFound


def set_inspection(dataset: Dataset, inspection: Inspection) -> None:
    dataset.row_count, dataset.column_count = inspection.rows, inspection.columns
    dataset.profile, dataset.preview = inspection.profile, inspection.preview
    dataset.details, dataset.copy_bytes = inspection.details, inspection.copy_bytes


def _weight(findings: Sequence[Finding]) -> int:
    return 1 + len(findings)
