"""Batches as jobs: a row with the stored file, for a worker to predict."""

from dataclasses import asdict, dataclass

import orjson

from kit.database import Database
from kit.digests import fingerprint
from kit.idempotency import Claim
from kit.identity import Caller
from ml_service.billing.port import Billing
from ml_service.errors import ModelNotFound
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import JobKind
from ml_service.jobs.service import prepare_job
from ml_service.jobs.settlement import charge_of
from ml_service.learning.batches.pipeline import BatchSpec, BatchTask
from ml_service.learning.predictors import PredictionOptions
from ml_service.models.repository import ModelRepository
from ml_service.orm import Job, Model
from ml_service.store.uploads import Upload


@dataclass(frozen=True, slots=True)
class BatchInput:
    """A model and the results wanted; `key` is the caller's Idempotency-Key."""

    model: str
    options: PredictionOptions
    key: str | None
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class CountedFile:
    """An uploaded file that can be predicted, and its number of rows."""

    upload: Upload
    task: BatchTask
    rows: int


class BatchJobs:
    def __init__(self, database: Database, billing: Billing) -> None:
        self._database, self._billing = database, billing

    async def add(self, caller: Caller, wanted: BatchInput, file: CountedFile, claim: Claim) -> Job:
        """Insert the job, hold its price, store its rows; all of it or nothing.

        The hold is placed inside the transaction: if this process dies before its commit, the hold expires.
        """
        per_units = (await self._billing.prices())["batch"].per_units
        async with self._database.transaction() as session:
            model = await ModelRepository(session).find(caller.user_id, wanted.model)
            if model is None:
                raise ModelNotFound
            job = _new_job(caller, wanted, file, model, per_units)
            await JobRepository(session).add(job)
            job.tokens_held = (await self._billing.hold(charge_of(job))).tokens
            await claim.keep(orjson.dumps({"job": job.id}), session=session)
            # Kept although the commit may fail: rows without a job are swept, a job needs its rows.
            file.upload.keep()
        return job


def _new_job(caller: Caller, wanted: BatchInput, file: CountedFile, model: Model, per_units: int) -> Job:
    spec = BatchSpec(file.rows, per_units, **asdict(wanted.options))
    job = Job(
        kind=JobKind.BATCH,
        model_name=model.name,
        model_type=model.model_type,
        artefact=model.artefact,
        location=file.upload.key,
        rows=file.rows,
        units=file.rows,
        spec=spec.to_json(),
        fingerprint=fingerprint(file.upload.sha256.hex(), spec.to_json()),
    )
    return prepare_job(caller, job)
