"""What is known about a dataset's columns, and what its owner knows better."""

from collections.abc import Mapping, Sequence

from kit.database import Database
from kit.identity import UserId
from ml_service.datasets.inspection import Inspection, Inspector, LabelQuestion
from ml_service.datasets.models import Dataset
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import DatasetNotFound
from ml_service.learning.findings.columns import Finding
from ml_service.learning.tables import ColumnType, TableProfile
from ml_service.learning.training.rules import check_kinds, check_label, is_classification

Kinds = Mapping[str, ColumnType]


class DatasetInsight:
    def __init__(self, database: Database, inspector: Inspector) -> None:
        self._database, self._inspector = database, inspector

    async def show(self, user_id: UserId, dataset_id: int) -> Dataset:
        """With its details, which are found now if they never were."""
        return await self._read(user_id, dataset_id, {})

    async def correct(self, user_id: UserId, dataset_id: int, kinds: Kinds) -> Dataset:
        """Read the file again with columns of these kinds; raises at the first cell that is of another."""
        return await self._read(user_id, dataset_id, kinds)

    async def find_about_label(self, user_id: UserId, dataset_id: int, label: str) -> Sequence[Finding]:
        """What needs a label to be seen: uneven classes, rare ones, and columns that give it away."""
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        profile = TableProfile.from_json(dataset.profile)
        column = check_label(profile, label)
        question = LabelQuestion(label, is_classification(column, profile.rows - column.missing))
        return await self._inspector.look_at_label(dataset.location, profile.corrected_kinds, question)

    async def _read(self, user_id: UserId, dataset_id: int, kinds: Kinds) -> Dataset:
        while True:
            dataset = await self._get(user_id, dataset_id)
            profile = TableProfile.from_json(dataset.profile)
            check_kinds(profile, kinds)
            if dataset.details is not None and not kinds:
                return dataset
            inspection = await self._inspector.inspect(dataset.location, {**profile.corrected_kinds, **kinds})
            if await self._replace(dataset, inspection):
                return await self._get(user_id, dataset_id)

    async def _get(self, user_id: UserId, dataset_id: int) -> Dataset:
        async with self._database.read() as session:
            dataset = await DatasetRepository(session).find_whole(user_id, dataset_id)
        if dataset is None:
            raise DatasetNotFound
        return dataset

    async def _replace(self, seen: Dataset, inspection: Inspection) -> bool:
        """False when somebody else corrected it meanwhile: what they said must not be lost."""
        async with self._database.transaction() as session:
            dataset = await DatasetRepository(session).find_locked(seen.id)
            if dataset is None:
                raise DatasetNotFound
            if dataset.profile != seen.profile:
                return False
            dataset.profile, dataset.preview = inspection.profile, inspection.preview
            dataset.details = inspection.details
        return True
