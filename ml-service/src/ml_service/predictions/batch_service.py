"""Service of batches: predict files at once or as a job; hold for all rows, charge the valid ones."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass

import orjson
import structlog

from kit.database import Database, Json
from kit.digests import fingerprint
from kit.errors import IdempotencyKeyExpired
from kit.fault_points import fault_point
from kit.idempotency import Claim, FirstAnswers
from kit.identity import Caller
from ml_service.billing.charges import charge_key, keyed_request
from ml_service.billing.holds import Holds, prorate
from ml_service.billing.port import Billing, Charge, ChargeKey, Receipt
from ml_service.billing.stored_answers import StoredAnswer
from ml_service.errors import ModelNotFound, NoResult, ResultPending
from ml_service.jobs.preparation import prepare_job
from ml_service.jobs.rules import JobKind, has_ended
from ml_service.jobs.service import JobService, StartedJob
from ml_service.jobs.settlement import charge_of, holding_job
from ml_service.learning import batches
from ml_service.learning.batches import BatchSpec, BatchTask
from ml_service.learning.predictors import PredictionOptions
from ml_service.learning.tables import CsvLimits
from ml_service.models.model_cache import ModelLookup
from ml_service.models.repository import ModelRepository
from ml_service.orm import Job, Model
from ml_service.predictions.service import PredictionResult
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.process_pool import ProcessPool
from ml_service.store.quota import StorageQuota
from ml_service.store.uploads import Upload, Uploads

HOLD_SECONDS = 1800
# The member of a stored answer with the key of its hold.
HELD = "held"
# The longest time for a file in a request, as long as the gateway waits.
BATCH_SECONDS = 600.0

ReadBody = Callable[[Upload], Awaitable[object]]
log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class BatchInput:
    """A model and options; `key` is the caller's Idempotency-Key."""

    model: str
    options: PredictionOptions
    key: str | None
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class CountedFile:
    """An uploaded file, the task that predicts it, and its number of rows."""

    upload: Upload
    task: BatchTask
    rows: int


@dataclass(frozen=True)
class BatchFiles:
    """Stores of the files of a batch, their quota, and the processes that read them."""

    uploads: Uploads
    artefacts: Artefacts
    results: Results
    readers: ProcessPool
    limits: CsvLimits
    quota: StorageQuota


@dataclass(frozen=True)
class BatchService:
    """Predicts files; a file of more than `max_rows_at_once` rows becomes a job."""

    answers: FirstAnswers
    lookup: ModelLookup
    billing: Billing
    holds: Holds
    files: BatchFiles
    jobs: JobService
    database: Database
    max_rows_at_once: int

    async def predict(
        self, caller: Caller, batch: BatchInput, read: ReadBody
    ) -> PredictionResult | StartedJob:
        """Receive the file, claim the key, count the rows; then predict and charge, or start a job.

        A retry receives the stored answer, whether it prefers a job or not.
        """
        await self.files.quota.admit(caller.user_id, batch.key)
        async with self.files.uploads.receiving() as upload:
            await read(upload)
            await upload.finish()
            digest = upload.sha256.hex()
            request = keyed_request(caller, batch.key, "batch", batch.model, digest, asdict(batch.options))
            key = charge_key("batch", request)
            async with self.answers.claim(request) as claim:
                if claim.first_answer is not None:
                    return await self._replay(caller, batch, claim, orjson.loads(claim.first_answer))
                await self.files.quota.require_room(caller.user_id)
                file = await self._count_rows(caller, batch, upload)
                if batch.respond_async or file.rows > self.max_rows_at_once:
                    return StartedJob(await self._add_job(caller, batch, file, claim))
                result = await self._predict(_charge(caller, batch, key, file.rows), file, claim)
        _log_prediction(batch, result)
        return result

    async def _predict(self, charge: Charge, file: CountedFile, claim: Claim) -> PredictionResult:
        """Hold, predict, store the answer, settle."""
        location, readers = self.files.results.name_new(), self.files.readers
        async with self.holds.holding(charge, HOLD_SECONDS, claim) as payment:
            fault_point("batch held")
            try:
                outcome = await readers.run(
                    batches.predict, file.task, location, user=charge.user_id, seconds=BATCH_SECONDS
                )
                hold, per_units = payment.hold, (await self.billing.prices())["batch"].per_units
                payment.tokens = prorate(hold.tokens, file.rows, outcome.good, per_units)
                answer = {"location": location, "tokens": payment.tokens, HELD: hold.key}
                answer |= {"rows": file.rows, **asdict(outcome)}
            except BaseException:
                # Without an answer nothing refers to the file; after a crash the sweeper deletes it.
                await self.files.results.delete(location)
                raise
            fault_point("batch predicted")
            # If this fails, the answer may be stored all the same, and needs its file; if not, the sweeper
            # deletes it.
            await claim.keep(orjson.dumps(answer), location=location)
        fault_point("batch settled")
        return PredictionResult(answer, payment.receipt)

    async def _add_job(self, caller: Caller, batch: BatchInput, file: CountedFile, claim: Claim) -> Job:
        """Hold the price, insert the job and store its input; all of it or nothing.

        No database connection is in use during the call to billing: if this process dies before the commit,
        the hold expires.
        """
        per_units = (await self.billing.prices())["batch"].per_units
        async with self.database.read() as session:
            model = await ModelRepository(session).find(caller.user_id, batch.model)
        if model is None:
            raise ModelNotFound
        job = _new_job(caller, batch, file, model, per_units)
        async with (
            self.holds.refunding(charge_of(job)),
            holding_job(self.billing, job),
            self.database.transaction_of(caller.user_id) as session,
        ):
            await file.upload.require_stored(session)
            await self.jobs.add(session, job)
            await claim.keep(orjson.dumps({"job": job.id}), session=session)
            # Keep the file although the commit may fail: the sweeper deletes a file without a job.
            file.upload.keep()
        return job

    async def _replay(
        self, caller: Caller, batch: BatchInput, claim: Claim, first: Json
    ) -> PredictionResult | StartedJob:
        if "job" in first:
            return StartedJob(await self.jobs.get(caller.user_id, first["job"]), replayed=True)
        if not await self.files.results.exists(first["location"], first["size_bytes"]):
            raise IdempotencyKeyExpired
        # The first request may have died before it settled.
        key = charge_key("batch", claim.request)
        charge = _charge(caller, batch, key, first["rows"])
        # An answer of an earlier release has no key; it was held under the first one.
        stored = StoredAnswer(claim, {HELD: key} | first, HELD)
        receipt = await self.holds.settle_again(charge, first["tokens"], stored)
        result = PredictionResult(first, receipt, replayed=True)
        _log_prediction(batch, result)
        return result

    async def _count_rows(self, caller: Caller, batch: BatchInput, upload: Upload) -> CountedFile:
        """Find the model and count the rows; raises errors of the whole file."""
        name, files = batch.model, self.files
        model = await self.lookup.find_stored(caller.user_id, name)
        if model is None:
            raise ModelNotFound
        artefact = files.artefacts.key(model.artefact)
        task = BatchTask(
            *(files.artefacts.store_url, upload.key, artefact, model.files, batch.options, files.limits),
            sha256=upload.sha256,
        )
        rows = await files.readers.run(batches.count_rows, task, user=caller.user_id)
        return CountedFile(upload, task, rows)

    async def find_result(self, job: Job) -> PredictionResult:
        """The result of an ended job. Raises ResultPending or NoResult."""
        result = _result_of(job)
        if not await self.files.results.exists(result.answer["location"]):
            raise NoResult("The result of this job is no longer stored; send the file again.")
        return result

    def read(self, result: PredictionResult, *, once: bool) -> AsyncGenerator[bytes]:
        """Stream the file with its predictions; with `once` delete it afterwards."""
        return self.files.results.read(result.answer["location"], once=once)


def _new_job(caller: Caller, batch: BatchInput, file: CountedFile, model: Model, per_units: int) -> Job:
    digest = file.upload.sha256.hex()
    spec = BatchSpec(file.rows, per_units, **asdict(batch.options), sha256=digest)
    job = Job(
        kind=JobKind.BATCH,
        model_name=model.name,
        model_type=model.model_type,
        artefact=model.artefact,
        location=file.upload.key,
        rows=file.rows,
        units=file.rows,
        spec=spec.to_json(),
        fingerprint=fingerprint(digest, spec.to_json()),
    )
    return prepare_job(caller, job)


def _result_of(job: Job) -> PredictionResult:
    if job.kind != JobKind.BATCH:
        raise NoResult("This job trains a model and has no file to download; fetch the model instead.")
    if not has_ended(job.state):
        raise ResultPending
    if job.result is None or job.receipt_id is None:
        raise NoResult(f"This job has {job.state}: it has no result and cost nothing; send the file again.")
    return PredictionResult(job.result, Receipt(job.receipt_id, job.tokens_charged, job.balance_after or 0))


def _charge(caller: Caller, batch: BatchInput, key: ChargeKey, rows: int) -> Charge:
    return Charge(
        key=key,
        user_id=caller.user_id,
        action="batch",
        units=rows,
        resource=batch.model,
        api_key=caller.api_key,
        group_id=caller.group_id,
    )


def _log_prediction(batch: BatchInput, result: PredictionResult) -> None:
    log.info(
        "prediction_made",
        model=batch.model,
        action="batch",
        amount=result.receipt.tokens,
        rows=result.answer["rows"],
        replayed=result.replayed,
    )
