"""Batches as jobs: written down with their rows kept, for a worker to predict."""

from dataclasses import asdict, dataclass

import orjson

from kit.database import Database
from kit.idempotency import fingerprint
from ml_service.base import Json
from ml_service.batches.questions import Order, Surveyed
from ml_service.billing.port import Billing
from ml_service.errors import ModelNotFound
from ml_service.jobs.models import Job
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobKind
from ml_service.jobs.writing import written_for
from ml_service.learning.predictors import PredictionOptions
from ml_service.models.models import Model
from ml_service.models.repository import ModelRepository
from ml_service.predictions.once import Keyed
from ml_service.predictions.repository import AnswerRepository
from ml_service.work.charges import charge_of


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What a job does with its rows; the price is for each started `per_units` of them."""

    rows: int
    per_units: int
    probabilities: bool
    coverage: float | None

    @property
    def asked(self) -> PredictionOptions:
        return PredictionOptions(self.probabilities, self.coverage)

    def to_json(self) -> Json:
        return asdict(self)


class BatchOrders:
    def __init__(self, database: Database, billing: Billing) -> None:
        self._database, self._billing = database, billing

    async def add(self, order: Order, surveyed: Surveyed, request: Keyed | None) -> Job:
        """Write the job down, hold its price, keep its rows; all of it or nothing.

        The hold is placed inside the transaction: should we die before its commit, it expires by itself.
        """
        user_id, per_units = order.caller.user_id, (await self._billing.prices())["batch"].per_units
        async with self._database.transaction() as session:
            model = await ModelRepository(session).find(user_id, order.question.model)
            if model is None:
                raise ModelNotFound
            job = _write_down(order, surveyed, model, per_units)
            await JobRepository(session).add(job)
            job.tokens_held = (await self._billing.hold(charge_of(job))).tokens
            if request is not None:
                answer = orjson.dumps({"job": job.id})
                await AnswerRepository(session).keep(user_id, request.key, answer, None)
            # Kept although the commit may fail: rows without a job are swept, a job needs its rows.
            surveyed.upload.keep()
        return job


def _write_down(order: Order, surveyed: Surveyed, model: Model, per_units: int) -> Job:
    spec = BatchSpec(surveyed.rows, per_units, **asdict(order.question.asked))
    job = Job(
        kind=JobKind.BATCH,
        model_name=model.name,
        model_type=model.model_type,
        artefact=model.artefact,
        location=surveyed.upload.key,
        rows=surveyed.rows,
        units=surveyed.rows,
        spec=spec.to_json(),
        fingerprint=fingerprint(surveyed.upload.sha256.hex(), spec.to_json()),
    )
    return written_for(order.caller, job)
