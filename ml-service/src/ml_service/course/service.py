"""Service of the course API: upload a file, train on it and wait, in one request."""

from dataclasses import dataclass

from kit.database import Json
from kit.identity import Caller
from ml_service.billing.port import Receipt
from ml_service.course.forms import Dialect, read_form
from ml_service.datasets.service import DatasetService, ReadBody, ReceivedDataset
from ml_service.errors import DatasetInUse, DatasetNotFound
from ml_service.jobs.service import JobService, raise_unless_succeeded
from ml_service.models.service import ModelService
from ml_service.orm import Job


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

    async def train(self, caller: Caller, read: ReadBody, dialect: Dialect, key: str | None) -> TrainedModel:
        """Train and wait. If the caller disconnects, the job continues and its model is listed."""
        received = await self._datasets.receive(caller.user_id, read, None, details=False)
        try:
            request = read_form(received.form.fields, dialect, received.dataset.id)
            started = await self._jobs.start(caller, request, key)
        except Exception:
            await self._delete_if_unused(caller, received)
            raise
        job = await self._jobs.wait(started.job)
        raise_unless_succeeded(job)
        self._models.notice_new(caller.user_id)
        model = await self._models.get(caller.user_id, job.model_name)
        return TrainedModel(job, model.description or {}, started.replayed)

    async def _delete_if_unused(self, caller: Caller, received: ReceivedDataset) -> None:
        """Delete the dataset of a refused request, unless another request already trains on the same file."""
        if not received.created:
            return
        try:
            await self._datasets.delete(caller.user_id, received.dataset.id)
        except (DatasetInUse, DatasetNotFound):
            return
