"""Predicts files: held for all rows, settled for the good ones, at once or as a job."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass
from uuid import uuid4

import structlog

from kit.idempotency import fingerprint
from kit.identity import Caller
from ml_service.batches.downloads import answer_of
from ml_service.batches.orders import BatchOrders
from ml_service.batches.questions import Order, Question, Surveyed
from ml_service.billing.charging import charged_in_part
from ml_service.billing.port import Billing, Hold
from ml_service.billing.pricing import prorate
from ml_service.errors import ModelNotFound, NoResult
from ml_service.jobs.models import Job
from ml_service.jobs.service import JobService, Started
from ml_service.learning.batches import pipeline
from ml_service.learning.tables import CsvLimits
from ml_service.models.lookup_repository import ModelLookup
from ml_service.models.rules import is_a_name
from ml_service.predictions.once import Answered, AnswersOnce, Json, Keyed
from ml_service.store.artefacts import Artefacts
from ml_service.store.readers import Readers
from ml_service.store.results import Results
from ml_service.store.uploads import Upload, Uploads

ReadBody = Callable[[Upload], Awaitable[object]]
log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Parts:
    """What answering a batch takes; a file of more than `rows_at_once` becomes a job."""

    answers: AnswersOnce
    lookup: ModelLookup
    billing: Billing
    uploads: Uploads
    artefacts: Artefacts
    results: Results
    readers: Readers
    limits: CsvLimits
    orders: BatchOrders
    jobs: JobService
    rows_at_once: int


class BatchService:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def predict(self, caller: Caller, question: Question, read: ReadBody) -> Answered | Started:
        """Take the file in, predict it and store the result, or start a job that does.

        With a key what came of it is kept for retries, in whichever way they ask.
        """
        async with self._parts.uploads.receiving() as upload:
            await read(upload)
            await upload.finish()
            answered = await self._answer(caller, question, upload)
        if isinstance(answered, Started):
            return answered
        log.info(
            "prediction_made",
            model=question.model,
            action="batch",
            amount=answered.receipt.tokens,
            rows=answered.answer["rows"],
            replayed=answered.replayed,
        )
        return answered

    async def find_result(self, job: Job) -> Answered:
        """What a job has made. Raises ResultPending or NoResult."""
        answered = answer_of(job)
        if not await self._parts.results.exists(answered.answer["location"]):
            raise NoResult("This job's result was kept for a while and is gone; send the file again.")
        return answered

    def read(self, answered: Answered, *, once: bool) -> AsyncGenerator[bytes]:
        """The result, for the last time if `once`."""
        return self._parts.results.read(answered.answer["location"], once=once)

    async def _answer(self, caller: Caller, question: Question, upload: Upload) -> Answered | Started:
        if question.key is None:
            return await self._carry_out(Order(caller, question, uuid4().hex), upload, None)
        asked = fingerprint("batch", question.model, upload.sha256.hex(), asdict(question.asked))
        request = Keyed(caller.user_id, question.key, asked)
        order = Order(caller, question, request.operation)

        async def carry_out() -> Answered | Started:
            async with self._parts.answers.renewing(request):
                return await self._carry_out(order, upload, request)

        return await self._parts.answers.once(request, carry_out, lambda first: self._again(order, first))

    async def _again(self, order: Order, first: Json) -> Answered | Started:
        if "job" in first:
            return Started(await self._parts.jobs.get(order.caller.user_id, first["job"]), replayed=True)
        return await self._parts.answers.replay(first, order.charge(first["rows"]))

    async def _carry_out(self, order: Order, upload: Upload, request: Keyed | None) -> Answered | Started:
        parts, task = self._parts, await self._task_of(order, upload)
        surveyed = Surveyed(upload, task, await parts.readers.run(pipeline.count_rows, task))
        if order.question.respond_async or surveyed.rows > parts.rows_at_once:
            return Started(await parts.orders.add(order, surveyed, request))
        return await self._predict(order, surveyed, request)

    async def _predict(self, order: Order, surveyed: Surveyed, request: Keyed | None) -> Answered:
        # Should we fail with a result that nobody was told of, the sweeper finds it.
        parts, place = self._parts, self._parts.results.name_new()

        async def work(hold: Hold) -> tuple[Json, int]:
            outcome = await parts.readers.run(pipeline.predict, surveyed.task, place)
            per_units = (await parts.billing.prices())["batch"].per_units
            tokens = prorate(hold.tokens, surveyed.rows, outcome.good, per_units)
            answer = {"location": place, "tokens": tokens, "rows": surveyed.rows, **asdict(outcome)}
            if request is not None:
                await parts.answers.keep(request, answer, place)
            return answer, tokens

        return Answered(*await charged_in_part(parts.billing, order.charge(surveyed.rows), work))

    async def _task_of(self, order: Order, upload: Upload) -> pipeline.BatchTask:
        name, parts = order.question.model, self._parts
        model = await parts.lookup.find_stored(order.caller.user_id, name) if is_a_name(name) else None
        if model is None:
            raise ModelNotFound
        artefact = parts.artefacts.key(model.artefact)
        return pipeline.BatchTask(
            parts.artefacts.store_url, upload.key, artefact, model.files, order.question.asked, parts.limits
        )
