"""What owners are told of the jobs that they wait for."""

from collections.abc import Callable, Iterable, Mapping

from kit.database import Database
from ml_service.jobs.models import Job
from ml_service.jobs.queue_repository import QueueRepository
from ml_service.jobs.queue_rules import Outlook, look_ahead
from ml_service.jobs.rules import has_ended


class Queue:
    def __init__(self, database: Database, slots: Callable[[], int]) -> None:
        """`slots`: how many fits the cluster runs at once."""
        self._database, self._slots = database, slots

    async def outlooks(self, jobs: Iterable[Job]) -> Mapping[int, Outlook]:
        """By the job's id; of those that have ended there is nothing to tell."""
        if all(has_ended(job.state) for job in jobs):
            return {}
        async with self._database.read() as session:
            repository = QueueRepository(session)
            return look_ahead(await repository.live(), await repository.past(), self._slots())
