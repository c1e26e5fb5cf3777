"""Trains while the caller waits, in one request."""

from dataclasses import dataclass

from kit.identity import Caller
from ml_service.base import Json
from ml_service.billing.port import Receipt
from ml_service.course.forms import Dialect, read_order
from ml_service.datasets.service import Added, DatasetService, ReadBody
from ml_service.errors import DatasetInUse, DatasetNotFound
from ml_service.jobs.models import Job
from ml_service.jobs.service import JobService, raise_unless_succeeded
from ml_service.models.service import ModelService


@dataclass(frozen=True, slots=True)
class Trained:
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

    async def train(self, caller: Caller, read: ReadBody, dialect: Dialect, key: str | None) -> Trained:
        """Upload, train and wait. A caller who goes away finds the model among theirs: the job goes on."""
        added = await self._datasets.receive(caller.user_id, read, None)
        try:
            order = read_order(added.form.fields, dialect, added.dataset.id)
            started = await self._jobs.start(caller, order, key)
        except Exception:
            await self._take_back(caller, added)
            raise
        job = await self._jobs.wait(started.job)
        raise_unless_succeeded(job)
        model = await self._models.get(caller.user_id, job.model_name)
        return Trained(job, model.description or {}, started.replayed)

    async def _take_back(self, caller: Caller, added: Added) -> None:
        """A refused request leaves nothing behind, unless another one trains on the same file already."""
        if not added.created:
            return
        try:
            await self._datasets.delete(caller.user_id, added.dataset.id)
        except (DatasetInUse, DatasetNotFound):
            return
