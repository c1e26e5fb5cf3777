"""Service of the course API: upload a file, train on it and wait, in one request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kit.database import Json
from kit.deadlines import remaining_seconds, require_time_left
from kit.errors import DeadlinePassed
from kit.identity import Caller, UserId
from ml_service.billing.port import Receipt
from ml_service.course.forms import Dialect, read_form
from ml_service.datasets.service import DatasetService, ReadBody
from ml_service.errors import JobEnded, TrainingTimedOut
from ml_service.jobs.preparation import Table
from ml_service.jobs.rules import has_ended
from ml_service.jobs.service import JobService, raise_unless_succeeded
from ml_service.models.service import ModelService
from ml_service.orm import Job

# True once the client has closed its connection.
HasLeft = Callable[[], Awaitable[bool]]

# The id of a dataset before it is stored.
NOT_STORED = 0
# Time for the cancellation before the deadline and for a charge after it: the gateway waits 2 s longer.
CANCEL_SECONDS, GRACE_SECONDS = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class TrainedModel:
    job: Job
    description: Json
    replayed: bool

    @property
    def receipt(self) -> Receipt:
        job = self.job
        return Receipt(job.receipt_id or "", job.tokens_charged, job.balance_after or 0)


class CourseTraining:
    def __init__(self, datasets: DatasetService, jobs: JobService, models: ModelService) -> None:
        self._datasets, self._jobs, self._models = datasets, jobs, models

    async def train(
        self, caller: Caller, read: ReadBody, dialect: Dialect, key: str | None, has_left: HasLeft
    ) -> TrainedModel:
        """Train and wait. If the caller disconnects, the job continues and its model is listed.

        The file is stored together with the job, so that a refused request leaves nothing behind.
        """
        is_retry = await self._jobs.has_started(caller.user_id, key)
        async with self._datasets.receiving(caller.user_id, read, is_retry=is_retry) as received:
            table = Table(received.dataset, received.insert, sent=True)
            request = read_form(received.form.fields, dialect, NOT_STORED)
            require_time_left()
            started = await self._jobs.start(caller, request, key, table)
        job = await self._wait(started.job, has_left)
        raise_unless_succeeded(job)
        self._models.notice_new(caller.user_id)
        model = await self._models.get(caller.user_id, job.model_name)
        return TrainedModel(job, model.description or {}, started.replayed)

    async def _wait(self, job: Job, has_left: HasLeft) -> Job:
        """Wait for the job; cancel it at the deadline of the request, so that it is not charged."""
        left = remaining_seconds()
        job = await self._jobs.wait(job, None if left is None else max(0.0, left - CANCEL_SECONDS))
        if has_ended(job.state):
            return job
        if await has_left():
            # Nobody reads this answer, and the job continues.
            raise DeadlinePassed
        try:
            await self._jobs.cancel(UserId(job.user_id), job.id)
        except JobEnded:
            # Its model is stored and is being charged, so the end is near.
            job = await self._jobs.wait(job, CANCEL_SECONDS + GRACE_SECONDS)
            if has_ended(job.state):
                return job
        raise TrainingTimedOut
