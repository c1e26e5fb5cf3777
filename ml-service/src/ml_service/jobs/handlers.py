"""Handlers of jobs by kind: training, comparison, batch."""

import math
from collections.abc import Mapping

import structlog

from kit.database import Json
from kit.fault_points import fault_point
from kit.identity import UserId
from ml_service.billing.holds import prorate
from ml_service.datasets.repository import DatasetRepository
from ml_service.jobs.candidate_search import PERCENT_AFTER, CandidateSearch, budget_left
from ml_service.jobs.cluster import ClusterLost, ClusterTask, OnProgress, run_task
from ml_service.jobs.context import Handler, JobContext, Outcome, WorkerContext
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.rules import CANDIDATE, STAGE_PERCENT, GiveUp, JobKind, Retry
from ml_service.learning.batches import BatchSpec, BatchTask
from ml_service.learning.comparison import AUTO, ComparisonSpec
from ml_service.learning.leaderboard import (
    FOLDS,
    Entry,
    choose,
    count_finished,
    explain_choice,
    leaderboard,
    rivals,
)
from ml_service.learning.tasks import TableFile, measure_on_worker, predict_on_worker, train_on_worker
from ml_service.models.repository import ModelRepository
from ml_service.orm import Job

DATASET_GONE = GiveUp(
    "dataset_gone", "The dataset was deleted before the training began; upload it and train again."
)
PERCENT_CHECKING = 96
# A slower rival is not fitted again: nobody waits as long for a remark.
MOST_RIVAL_SECONDS = 30.0
# The metrics of each rival of a chosen candidate; None if it was not measured.
Rivals = dict[int, Mapping[str, float | None] | None]
MODEL_GONE = GiveUp("model_gone", "The model was deleted before the batch began; train it again.")

log = structlog.stdlib.get_logger()


def find_handler(worker: WorkerContext, job: Job) -> Handler:
    if job.kind in worker.kinds:
        return worker.kinds[job.kind].handle
    return handle_comparison if job.model_type == AUTO else HANDLERS[job.kind]


async def handle_training(context: JobContext) -> Outcome:
    table = await _find_table(context)
    if table is None:
        return DATASET_GONE
    _log_training(context)
    return await _train(context, context.name, table, context.job.spec, context.progress.report_stage)


async def handle_comparison(context: JobContext) -> Outcome:
    """Score the candidates, then train the best one as an ordinary model."""
    table = await _find_table(context)
    if table is None:
        return DATASET_GONE
    _log_training(context)
    spec = ComparisonSpec.from_json(context.job.spec)
    search = CandidateSearch(context, spec, table)
    async with context.worker.database.read() as session:
        for event in await JobRepository(session).events_after({context.job.id: 0}):
            if event.kind == CANDIDATE:
                search.restore(event.data)
    await search.run()
    return await _train_best(context, spec, search.entries, table)


async def handle_batch(context: JobContext) -> Outcome:
    worker, job, spec = context.worker, context.job, BatchSpec(**context.job.spec)
    task = await _find_batch_task(context, spec)
    if task is None:
        return MODEL_GONE
    log.info("batch_started", model=job.model_name, action="batch", attempt=job.attempts)
    location = worker.results.name(context.name)
    cluster_task = ClusterTask(
        key=context.name,
        function=predict_on_worker,
        arguments=(task, spec.rows, location),
        attempts=job.attempts,
        time_limit=worker.time_limit,
        kind=JobKind.BATCH,
    )
    outcome = await run_task(worker.cluster, cluster_task, context.progress.report_stage)
    if isinstance(outcome, GiveUp | Retry):
        return outcome
    tokens = prorate(job.tokens_held, spec.rows, outcome["good"], spec.per_units)
    return {"location": location, "tokens": tokens, "rows": spec.rows, **outcome}


HANDLERS: Mapping[str, Handler] = {JobKind.TRAIN: handle_training, JobKind.BATCH: handle_batch}


async def _find_table(context: JobContext) -> TableFile | None:
    if context.job.dataset_id is None:
        return None
    worker = context.worker
    async with worker.database.read() as session:
        user_id, dataset_id = UserId(context.job.user_id), context.job.dataset_id
        dataset = await DatasetRepository(session).find_readable(user_id, dataset_id)
    if dataset is None:
        return None
    # The worker refuses another file: the job was accepted for this one.
    return TableFile(worker.files.url, dataset.location, worker.limits, dataset.sha256)


async def _train(
    context: JobContext, artefact: str, table: TableFile, spec: Json, on_progress: OnProgress
) -> Outcome:
    """Train a model on the cluster and publish its artefact; the result has its files and description."""
    worker = context.worker
    task = ClusterTask(
        key=artefact,
        function=train_on_worker,
        arguments=(table, spec, worker.artefacts.staging_key(artefact), worker.max_model_bytes),
        attempts=context.job.attempts,
        time_limit=worker.time_limit,
    )
    description = await run_task(worker.cluster, task, on_progress)
    if isinstance(description, GiveUp | Retry):
        return description
    fault_point("model trained")
    size = await worker.artefacts.publish(artefact)
    fault_point("model published")
    files = description.pop("files")
    return {"artefact": artefact, "size_bytes": size, "files": files, "description": description}


async def _train_best(
    context: JobContext, spec: ComparisonSpec, entries: list[Entry], table: TableFile
) -> Outcome:
    """Train the chosen candidate on the whole table; if it fails, the one chosen of the others."""

    def report(stage: str, _percent: int | None) -> None:
        percent = PERCENT_AFTER + STAGE_PERCENT.get(stage, 0) * (PERCENT_CHECKING - PERCENT_AFTER) // 100
        context.progress.report_stage(stage, percent)

    while (number := choose(entries)) is not None:
        training = spec.training(spec.candidates[number]).to_json()
        outcome = await _train(context, f"{context.name}-{number}", table, training, report)
        if isinstance(outcome, GiveUp):
            entries[number] = entries[number].failed(outcome.code, outcome.detail)
            continue
        if isinstance(outcome, dict):
            measured = await _measure_rivals(context, spec, entries, number, table)
            return _with_leaderboard(context, entries, number, outcome, measured)
        return outcome
    return _failure_of_all(spec, entries)


async def _measure_rivals(
    context: JobContext, spec: ComparisonSpec, entries: list[Entry], chosen: int, table: TableFile
) -> Rivals:
    """The metrics of the chosen model's rivals on the test part; None for one without time, or that fails."""
    measured: Rivals = {}
    context.progress.report_stage("checking", PERCENT_CHECKING)
    for number in rivals(entries, chosen):
        measured[number] = None
        left = budget_left(context, spec)
        if entries[number].seconds > min(MOST_RIVAL_SECONDS, math.inf if left is None else left):
            continue
        task = ClusterTask(
            key=f"{context.name}-{number}-test",
            function=measure_on_worker,
            arguments=(table, spec.training(spec.candidates[number]).to_json()),
            attempts=context.job.attempts,
            time_limit=min(context.worker.time_limit, 2 * MOST_RIVAL_SECONDS),
        )
        try:
            outcome = await run_task(context.worker.cluster, task, _ignore_progress)
        except ClusterLost:
            # The model is trained, and its rivals are no reason to train it again.
            continue
        if isinstance(outcome, dict):
            measured[number] = outcome["metrics"]
    return measured


def _with_leaderboard(
    context: JobContext, entries: list[Entry], number: int, trained: Json, measured: Rivals
) -> Json:
    description, chosen = trained["description"], entries[number]
    note = explain_choice(entries, number, description["metrics"], measured)
    selection = {
        "type": AUTO,
        "metric": chosen.metric,
        "folds": FOLDS,
        "rule": "one_standard_error",
        "chosen": {"type": chosen.type, "params": dict(chosen.params)},
        "rivals": [
            {"type": entries[rival].type, "params": dict(entries[rival].params), "metrics": metrics}
            for rival, metrics in measured.items()
        ],
    }
    return {
        **trained,
        "description": {
            **description,
            "verdict": f"{description['verdict']} {note}".strip(),
            "leaderboard": leaderboard(entries, number),
            "selection": selection,
        },
        "tokens": prorate(context.job.tokens_held, context.job.units, count_finished(entries)),
    }


def _ignore_progress(_stage: str, _percent: int | None) -> None:
    """Ignore the progress of a rival, which is one stage of the job."""


def _failure_of_all(spec: ComparisonSpec, entries: list[Entry]) -> GiveUp:
    """The first candidate's failure, most likely the cause of all."""
    for entry in entries:
        if entry.error is not None:
            return GiveUp(entry.error["code"], entry.error["detail"])
    return GiveUp(
        "budget_over",
        f"No candidate finished within the budget of {spec.seconds} seconds; allow more seconds or use "
        "fewer rows.",
    )


async def _find_batch_task(context: JobContext, spec: BatchSpec) -> BatchTask | None:
    worker, job = context.worker, context.job
    async with worker.database.read() as session:
        files = await ModelRepository(session).find_digests(job.artefact)
    if files is None or job.artefact is None or job.location is None:
        return None
    artefact = worker.artefacts.key(job.artefact)
    return BatchTask(
        worker.files.url, job.location, artefact, files, spec.options, worker.limits, spec.digest
    )


def _log_training(context: JobContext) -> None:
    job = context.job
    log.info("training_started", model=job.model_name, action="train", attempt=job.attempts)
