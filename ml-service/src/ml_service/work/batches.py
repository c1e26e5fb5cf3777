"""Carrying out a batch: one task on the cluster, and its result at its place."""

import structlog

from ml_service.batches.orders import BatchSpec
from ml_service.billing.pricing import prorate
from ml_service.jobs.rules import JobKind
from ml_service.learning.batches.pipeline import BatchTask
from ml_service.learning.tasks import predict_on_worker
from ml_service.models.repository import ModelRepository
from ml_service.work.errands import Errand, run_errand
from ml_service.work.rules import GiveUp, Retry
from ml_service.work.run import Outcome, Run

MODEL_GONE = GiveUp("model_gone", "The model was deleted before the batch began; train it again.")

log = structlog.stdlib.get_logger()


async def carry_out_batch(run: Run) -> Outcome:
    job, spec = run.job, BatchSpec(**run.job.spec)
    task = await _find_task(run, spec)
    if task is None:
        return MODEL_GONE
    log.info("batch_started", model=job.model_name, action="batch", attempt=job.attempts)
    place = run.parts.results.name(run.name)
    errand = Errand(
        key=run.name,
        task=predict_on_worker,
        arguments=(task, spec.rows, place),
        attempts=job.attempts,
        time_limit=run.parts.time_limit,
        kind=JobKind.BATCH,
    )
    outcome = await run_errand(run.parts.cluster, errand, run.notes.stage)
    if isinstance(outcome, GiveUp | Retry):
        return outcome
    tokens = prorate(job.tokens_held, spec.rows, outcome["good"], spec.per_units)
    return {"location": place, "tokens": tokens, "rows": spec.rows, **outcome}


async def _find_task(run: Run, spec: BatchSpec) -> BatchTask | None:
    parts, job = run.parts, run.job
    async with parts.database.read() as session:
        files = await ModelRepository(session).find_digests(job.artefact)
    if files is None or job.artefact is None or job.location is None:
        return None
    artefact = parts.artefacts.key(job.artefact)
    return BatchTask(parts.files.url, job.location, artefact, files, spec.asked, parts.limits)
