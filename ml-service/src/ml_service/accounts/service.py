"""Service of accounts: events from auth-service, and the export of a user's data."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.database import Database
from kit.identity import UserId
from kit.outbox import Event, first_delivery
from ml_service.accounts.repository import AccountRepository
from ml_service.accounts.sweeper import Sweeper
from ml_service.datasets.repository import DatasetRepository
from ml_service.jobs.repository import JobRepository
from ml_service.models.repository import ModelRepository
from ml_service.orm import Dataset, Job, Model, inbox


@dataclass(frozen=True, slots=True)
class UserData:
    datasets: Sequence[Dataset]
    jobs: Sequence[Job]
    models: Sequence[Model]


class AccountService:
    def __init__(self, database: Database, sweeper: Sweeper) -> None:
        self._database, self._sweeper = database, sweeper

    async def apply(self, events: Sequence[Event]) -> None:
        """Apply each event once; only deletions of users need anything here."""
        async with self._database.transaction() as session:
            for event in events:
                if await first_delivery(session, inbox, event) and event.kind == "user_deleted":
                    user_id = UserId(int(event.data["user_id"] or 0))
                    await AccountRepository(session).mark_deleted(user_id)
        if any(event.kind == "user_deleted" for event in events):
            self._sweeper.wake()

    async def collect(self, user_id: UserId) -> UserData:
        async with self._database.read() as session:
            return UserData(
                datasets=await DatasetRepository(session).list_all(user_id),
                jobs=await JobRepository(session).list_all(user_id),
                models=await ModelRepository(session).list_all(user_id),
            )
